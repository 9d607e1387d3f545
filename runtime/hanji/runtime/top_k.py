"""The k highest of many scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGE = 50_000
"""Number of scores from which the blockwise search pays off; below, one partition is as fast."""
_BLOCK = 1024
"""Scores per block: small enough to skip most blocks, large enough for fast maxima in numpy."""


def top_k(scores: NDArray[Any], k: int) -> NDArray[np.intp]:
    """Indices of the ``k`` highest ``scores`` (real [n], no NaN): highest first, ties by lowest index.

    Expects 1 ≤ k ≤ n. For large n, only blocks whose maximum may be in the top k are scanned a second time.
    """
    if len(scores) < max(_LARGE, 2 * k * _BLOCK):
        return _of_all(scores, k)
    candidates = _candidates(scores, k)
    best: NDArray[np.intp] = candidates[_of_all(scores[candidates], k)]
    return best


def _of_all(scores: NDArray[Any], k: int) -> NDArray[np.intp]:
    """Find the k-th highest score, then sort all scores that reach it. Unlike a partition of the indices,
    this also breaks ties at the threshold by index.
    """
    threshold = _kth(scores, k)
    candidates = (scores >= threshold).nonzero()[0]
    order = (-scores[candidates]).argsort(kind="stable")
    best: NDArray[np.intp] = candidates[order[:k]]
    return best


def _candidates(scores: NDArray[Any], k: int) -> NDArray[np.intp]:
    """Ascending indices of at least ``k`` scores, including all that reach the k-th highest.

    At least k blocks contain a score that reaches the k-th highest block maximum, so that maximum is a lower
    bound of the k-th highest score.
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
    position = len(values) - k
    copy = values.copy()
    copy.partition(position)
    return copy[position]
