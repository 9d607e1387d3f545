"""Whether what an engine answered are numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def are_finite(values: NDArray[np.float32]) -> bool:
    """No NaN, no infinity (float32 [n]), found without the temporary array that np.isfinite would make."""
    return math.isfinite(np.minimum.reduce(values)) and math.isfinite(np.maximum.reduce(values))


__all__ = ["are_finite"]
