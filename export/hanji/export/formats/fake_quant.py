"""The quantization grid of a FakeQuant operation, computed exactly as TensorFlow computes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.training.errors import ConversionError


@dataclass(frozen=True)
class Grid:
    """The values (q − zero_point) · scale for the integers q from ``first`` to ``last``."""

    scale: float
    zero_point: int
    first: int
    last: int

    @property
    def low(self) -> float:
        """The smallest representable value."""
        return (self.first - self.zero_point) * self.scale

    @property
    def high(self) -> float:
        """The largest representable value."""
        return (self.last - self.zero_point) * self.scale


def grid_of_range(low: float, high: float, *, bits: int, narrow: bool) -> Grid:
    """The grid of the range from ``low`` to ``high``, shifted so that 0 is exactly representable.

    Raises ConversionError for an empty range, which an uncalibrated model has.
    """
    if not low < high:
        raise ConversionError(
            f"int8: expected a FakeQuant range with low < high, found {low} to {high}; "
            "calibrate the model before export"
        )
    first, last = int(narrow), 2**bits - 1
    scale = (np.float32(high) - np.float32(low)) / np.float32(last - first)
    zero_point = np.clip(np.rint(np.float32(first) - np.float32(low) / scale), first, last)
    return Grid(float(scale), int(zero_point), first, last)


def scales_of_ranges(
    low: npt.NDArray[np.float32], high: npt.NDArray[np.float32], *, bits: int, narrow: bool
) -> npt.NDArray[np.float32]:
    """The quantization scale of each range, [channels]; 1 for an empty range, that of an all-zero channel."""
    steps = 2**bits - 1 - int(narrow)
    return np.where(low < high, (high - low) / np.float32(steps), np.float32(1)).astype(np.float32)


__all__ = ["Grid", "grid_of_range", "scales_of_ranges"]
