"""The engines that run a bundle's artifacts in Python."""

from __future__ import annotations

from collections.abc import Sequence

from hanji.export.formats.names import Format

DEVICE_ENGINES: dict[Format, str] = {"tflite": "litert", "onnx": "onnxruntime"}
"""The engine of each format that Python can run; TF.js runs in the browser."""


def engines_of(formats: Sequence[Format]) -> list[str]:
    """The engines for these formats, omitting formats that Python cannot run."""
    return [engine for name, engine in DEVICE_ENGINES.items() if name in formats]


__all__ = ["DEVICE_ENGINES", "engines_of"]
