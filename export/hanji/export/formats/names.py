"""The names of the artifact formats."""

from __future__ import annotations

from typing import Literal

Format = Literal["tflite", "onnx", "tfjs"]
FORMATS: tuple[Format, ...] = ("tflite", "onnx", "tfjs")
OLDEST_TFJS = "4.22.0"
"""The TF.js version that exported graph models are tested with."""


def check_formats(formats: tuple[Format, ...]) -> None:
    """ValueError unless at least one format is given and none is repeated."""
    if not formats or len(set(formats)) != len(formats):
        raise ValueError(f"formats must name each format once and at least one, found {list(formats)}")


__all__ = ["FORMATS", "OLDEST_TFJS", "Format", "check_formats"]
