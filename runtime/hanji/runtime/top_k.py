"""The k best of many scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def top_k(scores: NDArray[Any], k: int) -> NDArray[np.intp]:
    """Indices of the ``k`` highest ``scores`` (real [n], no NaN): highest first, ties by lowest index.

    Only the k-th score is searched for, then what reaches it is sorted: ties at the edge are decided by
    index, too, which a partition of the indices would not do. Expects 1 ≤ k ≤ n.
    """
    edge = np.partition(scores, len(scores) - k)[len(scores) - k]
    candidates = (scores >= edge).nonzero()[0]
    order = (-scores[candidates]).argsort(kind="stable")
    best: NDArray[np.intp] = candidates[order[:k]]
    return best
