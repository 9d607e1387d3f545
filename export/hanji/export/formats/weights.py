"""How weights are stored in fewer bits, the same in every format that hanji writes itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FLOAT32_BYTES = 4
SMALLEST_QUANTIZED = 1024  # elements; below, 8 bits save nothing and cost accuracy (TFLite's own rule)


def should_quantize(values: npt.NDArray[Any]) -> bool:
    """Whether a weight is a table or kernel large enough to be stored in 8 bits."""
    return values.dtype == np.float32 and values.ndim >= 2 and values.size >= SMALLEST_QUANTIZED


def should_store_float16(values: npt.NDArray[Any], precision: str) -> bool:
    """Whether a weight is stored as float16.

    Under ``float16`` all but single numbers are; under ``int8-rows`` and ``int4-rows`` what is large and not
    the item table.
    """
    if precision.endswith("-rows"):
        return should_quantize(values)
    return precision == "float16" and values.dtype == np.float32 and values.size > 1


def symmetric_int8(values: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], float]:
    """Whole numbers in −127…127 and the float32 scale that turns them back: values ≈ numbers · scale."""
    largest = float(np.abs(values).max())
    scale = np.float32(largest / 127) if largest > 0 else np.float32(1)
    return np.clip(np.rint(values / scale), -127, 127).astype(np.int8), float(scale)


def symmetric_int8_channels(
    values: npt.NDArray[np.float32], axis: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """As ``symmetric_int8`` with a scale for each place along ``axis``; else the scales have one place."""
    others = tuple(other for other in range(values.ndim) if other != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    scales = np.where(largest > 0, largest / np.float32(127), np.float32(1)).astype(np.float32)
    return np.clip(np.rint(values / scales), -127, 127).astype(np.int8), scales


__all__ = [
    "FLOAT32_BYTES",
    "SMALLEST_QUANTIZED",
    "should_quantize",
    "should_store_float16",
    "symmetric_int8",
    "symmetric_int8_channels",
]
