"""Whether what an engine answered are numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_ONE_THREAD = 10_000
"""So many numbers BLAS multiplies in the thread that asks for it."""


def are_finite(values: NDArray[np.float32]) -> bool:
    """No NaN, no infinity (float32 [n]), found without the temporary array that np.isfinite would make.

    The sum of squares is the quickest to tell, for nothing in it cancels out; vdot does not warn if it
    overflows. Then, and in large arrays, the smallest and the largest value tell.
    """
    if len(values) <= _ONE_THREAD and math.isfinite(np.vdot(values, values)):
        return True
    return math.isfinite(np.minimum.reduce(values)) and math.isfinite(np.maximum.reduce(values))


__all__ = ["are_finite"]
