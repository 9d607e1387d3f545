"""Checks an engine's outputs for NaN and infinity."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_ONE_THREAD = 10_000
"""Up to this size BLAS computes a dot product in the calling thread."""


def are_finite(values: NDArray[np.float32]) -> bool:
    """Whether ``values`` (float32 [n]) are free of NaN and infinity, without np.isfinite's temporary array.

    The sum of squares is the fastest check: its terms cannot cancel out, and vdot does not warn on overflow.
    If it overflows, and for large arrays, the minimum and maximum decide.
    """
    if len(values) <= _ONE_THREAD and math.isfinite(np.vdot(values, values)):
        return True
    return math.isfinite(np.minimum.reduce(values)) and math.isfinite(np.maximum.reduce(values))


__all__ = ["are_finite"]
