"""Weight quantization rules, shared by all formats whose files are edited here."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FLOAT32_BYTES = 4
SMALLEST_QUANTIZED = 1024  # elements; TFLite's rule: quantizing smaller weights saves little, costs accuracy


def should_quantize(values: npt.NDArray[Any]) -> bool:
    """Whether a weight is a table or kernel large enough to be stored as int8."""
    return values.dtype == np.float32 and values.ndim >= 2 and values.size >= SMALLEST_QUANTIZED


def should_store_float16(values: npt.NDArray[Any], precision: str) -> bool:
    """Whether a weight is stored as float16.

    ``float16`` applies to all weights except scalars, ``int8-rows`` and ``int4-rows`` to large weights other
    than the item table.
    """
    if precision.endswith("-rows"):
        return should_quantize(values)
    return precision == "float16" and values.dtype == np.float32 and values.size > 1


def symmetric_int8(values: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], float]:
    """Quantize per tensor: integers q in −127…127 and a float32 scale, with values ≈ q · scale."""
    largest = float(np.abs(values).max())
    scale = np.float32(largest / 127) if largest > 0 else np.float32(1)
    return np.clip(np.rint(values / scale), -127, 127).astype(np.int8), float(scale)


def symmetric_int8_channels(
    values: npt.NDArray[np.float32], axis: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Quantize per channel along ``axis``; the scales broadcast to the weight (size 1 on other axes)."""
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
