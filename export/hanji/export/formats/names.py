"""The formats of a bundle's artifacts."""

from __future__ import annotations

from typing import Literal

Format = Literal["tflite", "onnx", "tfjs"]
FORMATS: tuple[Format, ...] = ("tflite", "onnx", "tfjs")
OLDEST_TFJS = "4.22.0"
"""The version of TF.js that graph models are tested with."""


def check_formats(formats: tuple[Format, ...]) -> None:
    """ValueError unless each format is named once, and at least one."""
    if not formats or len(set(formats)) != len(formats):
        raise ValueError(f"formats must name each format once and at least one, found {list(formats)}")


__all__ = ["FORMATS", "OLDEST_TFJS", "Format", "check_formats"]
