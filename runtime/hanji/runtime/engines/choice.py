"""Chooses an engine for a bundle from the installed engines and the manifest's requirements.

There is no silent fallback: an engine requested by name is used or rejected, and "auto" decides
from the request and the installed packages, before any engine is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hanji.runtime.engines.banner import hold_back_banner
from hanji.runtime.engines.base import Engine, EngineInfo
from hanji.runtime.engines.request import Request
from hanji.runtime.engines.versions import installed_version, is_at_least
from hanji.runtime.errors import EngineError
from hanji.runtime.manifest import Artifact, Manifest
from hanji.runtime.records import Record

if TYPE_CHECKING:
    from hanji.runtime.bundle import Content

DEFAULT_REQUEST = Request()


@dataclass(frozen=True, eq=False, repr=False)
class EngineKind(Record):
    """An engine that this runtime supports."""

    name: str
    distribution: str
    extra: str
    """The extra of hanji-runtime that installs it."""
    end: str
    """The first version that the extra excludes."""
    module: str
    """The module whose import dominates the engine's import time."""
    takes_delegates: bool
    """True if the engine takes a delegate, False if it takes execution providers."""
    numpy_end: str | None = None
    """The first numpy version that it does not work with, regardless of its declared requirements."""


ENGINE_KINDS = (
    EngineKind("litert", "ai-edge-litert", "litert", "3", "ai_edge_litert.interpreter", True),
    EngineKind("tflite-runtime", "tflite-runtime", "tflite", "3", "tflite_runtime.interpreter", True, "2"),
    EngineKind("onnxruntime", "onnxruntime", "onnx", "1.29", "hanji.runtime.engines.onnxruntime", False),
)
"""In the order of preference of "auto"."""


@dataclass(frozen=True, eq=False, repr=False)
class Choice(Record):
    """An engine that can run an artifact of the bundle."""

    kind: EngineKind
    version: str
    artifact: Artifact


@dataclass(frozen=True, eq=False, repr=False)
class Refusal(Record):
    """An engine that cannot run the bundle; ``reason`` states why and what to try."""

    kind: EngineKind
    reason: str


def consider(manifest: Manifest, kind: EngineKind, request: Request = DEFAULT_REQUEST) -> Choice | Refusal:
    """Decide whether the engine can run the bundle, given the request and the installed versions."""
    if request.delegate is not None and not kind.takes_delegates:
        return Refusal(kind, f"{kind.name}: it takes execution providers, not a delegate")
    if request.providers and kind.takes_delegates:
        return Refusal(kind, f"{kind.name}: it takes a delegate, not execution providers")
    for artifact in manifest.artifacts:
        for requirement in artifact.engines:
            if requirement.name == kind.name:
                return _consider_version(kind, artifact, requirement.oldest_version)
    available = ", ".join(
        f"{artifact.format} for {' and '.join(engine.name for engine in artifact.engines)}"
        for artifact in manifest.artifacts
    )
    return Refusal(kind, f"{kind.name}: the bundle has no artifact for it, only {available}")


def _consider_version(kind: EngineKind, artifact: Artifact, oldest: str) -> Choice | Refusal:
    version = installed_version(kind.distribution)
    if version is None:
        missing = f"{kind.name}: {kind.distribution} is not installed"
        return Refusal(kind, f"{missing}; try: pip install 'hanji-runtime[{kind.extra}]'")
    if not is_at_least(version, oldest):
        found = f"{kind.name}: this model needs {kind.distribution} {oldest} or newer, found {version}"
        return Refusal(kind, f"{found}; try: pip install '{kind.distribution}>={oldest},<{kind.end}'")
    numpy = installed_version("numpy")
    if kind.numpy_end is not None and numpy is not None and is_at_least(numpy, kind.numpy_end):
        needs = f"{kind.name}: {kind.distribution} {version} needs numpy older than {kind.numpy_end}"
        return Refusal(kind, f"{needs}, found {numpy}; try: pip install 'numpy<{kind.numpy_end}'")
    return Choice(kind, version, artifact)


def choose(manifest: Manifest, engine: str, request: Request = DEFAULT_REQUEST) -> Choice:
    """Return the engine to use: the one named ``engine``, or the first one that can run it for "auto".

    Raises EngineError stating why each engine was rejected and what to install.
    """
    kinds = [kind for kind in ENGINE_KINDS if engine in ("auto", kind.name)]
    if not kinds:
        names = ", ".join(kind.name for kind in ENGINE_KINDS)
        raise EngineError(f"engine: expected auto, {names}, found {engine!r}")
    decisions = [consider(manifest, kind, request) for kind in kinds]
    for decision in decisions:
        if isinstance(decision, Choice):
            return decision
    reasons = [decision.reason for decision in decisions if isinstance(decision, Refusal)]
    subject = "no engine can" if engine == "auto" else f"engine {engine!r} cannot"
    raise EngineError(f"{subject} run this bundle: {'; or '.join(reasons)}")


def create_engine(
    choice: Choice, contents: Mapping[str, Content], *, threads: int, request: Request = DEFAULT_REQUEST
) -> Engine:
    """Create the chosen engine for its artifact; ``contents`` are the artifact's verified files by path."""
    info = EngineInfo(choice.kind.name, choice.version, threads)
    try:
        if choice.kind.name == "onnxruntime":
            from hanji.runtime.engines.onnxruntime import OnnxRuntimeEngine

            return OnnxRuntimeEngine(choice.artifact, contents, info, request)
        from hanji.runtime.engines.tflite import TfliteEngine

        return TfliteEngine(interpreter_class(choice.kind.name), choice.artifact, contents, info, request)
    except ImportError as error:
        raise EngineError(
            f"{choice.kind.name}: {choice.kind.distribution} {choice.version} is installed "
            f"but cannot be imported: {error}; "
            f"try: pip install --force-reinstall 'hanji-runtime[{choice.kind.extra}]'"
        ) from error


def interpreter_class(engine: str) -> Any:
    """Import and return the Interpreter of LiteRT or tflite-runtime; ImportError if it is not installed."""
    if engine == "litert":
        from ai_edge_litert.interpreter import Interpreter
    else:
        from tflite_runtime.interpreter import Interpreter
    hold_back_banner(Interpreter)
    return Interpreter
