"""The grid that a FakeQuant operation rounds to, computed as TensorFlow computes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.training.errors import ConversionError


@dataclass(frozen=True)
class Grid:
    """Values are (number − zero_point) · scale, for the whole numbers from ``first`` to ``last``."""

    scale: float
    zero_point: int
    first: int
    last: int

    @property
    def low(self) -> float:
        """The smallest value on the grid."""
        return (self.first - self.zero_point) * self.scale

    @property
    def high(self) -> float:
        """The largest value on the grid."""
        return (self.last - self.zero_point) * self.scale


def grid_of_range(low: float, high: float, *, bits: int, narrow: bool) -> Grid:
    """The grid of the range from ``low`` to ``high``, moved so that 0 lies on it.

    Raises ConversionError for an empty range, which a model has before it is calibrated.
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
    """The step of the grid of each range, [channels]; 1 for the range of a channel of which all is 0."""
    whole = 2**bits - 1 - int(narrow)
    return np.where(low < high, (high - low) / np.float32(whole), np.float32(1)).astype(np.float32)


__all__ = ["Grid", "grid_of_range", "scales_of_ranges"]
