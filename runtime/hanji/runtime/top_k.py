"""The k best of many scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGE = 50_000
"""Scores from which it pays to look at blocks first: below, one partition of all is as fast."""
_BLOCK = 1024
"""Scores of one block: few enough to leave most of them out, enough for numpy to find maxima quickly."""


def top_k(scores: NDArray[Any], k: int) -> NDArray[np.intp]:
    """Indices of the ``k`` highest ``scores`` (real [n], no NaN): highest first, ties by lowest index.

    Expects 1 ≤ k ≤ n. In large catalogues only blocks whose maximum may be among the k best are read twice.
    """
    if len(scores) < max(_LARGE, 2 * k * _BLOCK):
        return _of_all(scores, k)
    candidates = _candidates(scores, k)
    best: NDArray[np.intp] = candidates[_of_all(scores[candidates], k)]
    return best


def _of_all(scores: NDArray[Any], k: int) -> NDArray[np.intp]:
    """Only the k-th score is searched for, then what reaches it is sorted: ties at the edge are decided by
    index, too, which a partition of the indices would not do.
    """
    edge = _kth(scores, k)
    candidates = (scores >= edge).nonzero()[0]
    order = (-scores[candidates]).argsort(kind="stable")
    best: NDArray[np.intp] = candidates[order[:k]]
    return best


def _candidates(scores: NDArray[Any], k: int) -> NDArray[np.intp]:
    """Ascending indices of at least ``k`` scores, among them all that reach the k-th highest.

    k blocks hold a score of the k-th highest block maximum or more, so the k-th score is no lower.
    """
    count = len(scores) // _BLOCK
    whole = count * _BLOCK
    blocks = scores[:whole].reshape(count, _BLOCK)
    highest = np.maximum.reduce(blocks, axis=1)
    bound = _kth(highest, k)
    rows = (highest >= bound).nonzero()[0]
    row, column = (blocks[rows] >= bound).nonzero()
    rest = (scores[whole:] >= bound).nonzero()[0]
    return np.concatenate([rows[row] * _BLOCK + column, rest + whole])


def _kth(values: NDArray[Any], k: int) -> Any:
    """The k-th highest of ``values``."""
    place = len(values) - k
    copy = values.copy()
    copy.partition(place)
    return copy[place]


__all__ = ["top_k"]
