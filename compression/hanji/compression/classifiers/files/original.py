"""A model file as it was given: what it declares, and how to run it in its engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hanji.runtime.manifest import Tensor
from hanji.training.errors import ConversionError

Array = npt.NDArray[Any]
_QUANTIZED = ("uint8", "int8", "int16")
LEVELS = ("uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
"""Dtypes of an input that takes pixel values from 0 to 255, if it has no scale."""

NUMBERS = ("float32", "float16", "float64", "int8", *LEVELS)
"""Dtypes of inputs and outputs that can be read; the runtime's own are float32, uint8 and int8."""


class OriginalModel(Protocol):
    """A ``.tflite`` or ``.onnx`` file."""

    @property
    def path(self) -> Path: ...

    @property
    def format(self) -> str:
        """``tflite`` or ``onnx``."""
        ...

    @property
    def content(self) -> bytes:
        """The file; changed only as far as ``notes`` say."""
        ...

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The declared inputs; dtypes that are not in ``NUMBERS`` are not supported."""
        ...

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The declared outputs; their shapes may be wrong or incomplete, as engines do not need them."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what had to be changed to read the file."""
        ...

    def run(self, value: Array) -> Mapping[str, Array]:
        """All outputs for one value of the only input, by name; ConversionError if the engine fails."""
        ...

    def stored(self) -> tuple[str, int]:
        """The precision of the file, and the number of stored parameters."""
        ...


def is_quantized(tensor: Tensor) -> bool:
    """Whether the values of ``tensor`` are integers with a scale."""
    return tensor.dtype in _QUANTIZED and tensor.scale is not None


def real_values(values: Array, tensor: Tensor) -> npt.NDArray[np.float64]:
    """The real values of an output, dequantized if it is quantized, float64 of the same shape."""
    if not is_quantized(tensor):
        return values.astype(np.float64)
    return (values.astype(np.float64) - float(tensor.zero_point or 0)) * float(tensor.scale or 1.0)


def cannot_wrap(path: Path, found: str, expected: str, remedy: str = "") -> ConversionError:
    """The error for a file that is no image classifier, or one of a kind that is not supported."""
    message = f"{path}: not an image classifier that can be wrapped: expected {expected}, found {found}"
    return ConversionError(f"{message}; {remedy}" if remedy else message)


def shape_text(shape: tuple[int | None, ...]) -> str:
    """A shape in words, such as [1, any, any, 3]."""
    return "[" + ", ".join("any" if size is None else str(size) for size in shape) + "]"


__all__ = [
    "LEVELS",
    "NUMBERS",
    "OriginalModel",
    "cannot_wrap",
    "real_values",
    "shape_text",
]
