"""The engines that run a bundle's artifacts in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hanji.export.formats.names import Format
from hanji.runtime.engines.base import Engine
from hanji.runtime.engines.choice import ENGINE_KINDS, Choice, create_engine
from hanji.runtime.engines.versions import installed_version
from hanji.runtime.errors import EngineError
from hanji.runtime.manifest import Artifact

DEVICE_ENGINES: dict[Format, str] = {"tflite": "litert", "onnx": "onnxruntime"}
"""The engine of each format that Python can run; TF.js runs in the browser."""


def engines_of(formats: Sequence[str]) -> list[str]:
    """The engines for these formats, omitting formats that Python cannot run."""
    return [engine for name, engine in DEVICE_ENGINES.items() if name in formats]


def open_engine(artifact: Artifact, contents: Mapping[str, bytes]) -> tuple[Engine, str]:
    """The artifact in the first of its engines, on one thread, and the name and version of the package.

    ``contents`` are its files by path. EngineError if the engine is missing or rejects the model.
    """
    kind = next(kind for kind in ENGINE_KINDS if kind.name == artifact.engines[0].name)
    version = installed_version(kind.distribution)
    if version is None:
        raise EngineError(f"{kind.distribution} is not installed; try: pip install {kind.distribution}")
    engine = create_engine(Choice(kind, version, artifact), contents, threads=1)
    return engine, f"{kind.distribution} {version}"


__all__ = ["DEVICE_ENGINES", "engines_of", "open_engine"]
