"""Maximal marginal relevance (Carbonell and Goldstein 1998): good items that are not all alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CANDIDATES = 10
"""Candidates for each item that is asked for."""


def diversified(
    scores: NDArray[Any], genres: Sequence[tuple[str, ...]], k: int, diversity: float
) -> list[int]:
    """Positions of ``k`` of the candidates, in the order in which they are chosen.

    ``scores`` (real [n], highest first) and ``genres`` belong to the candidates. Each step takes the highest
    (1 - diversity) · relevance - diversity · largest similarity to one already chosen; ties by position.
    Relevance is the score scaled to [0, 1] over the candidates, similarity the cosine of two sets of genres,
    0 for an item without. ``diversity`` is in [0, 1).
    """
    vectors = _unit_vectors(genres)
    relevance = (1 - diversity) * _scaled(scores)
    nearest = np.zeros(len(scores))  # no similarity is below 0
    left = np.ones(len(scores), np.bool_)
    chosen: list[int] = []
    for _ in range(min(k, len(scores))):
        worth = np.where(left, relevance - diversity * nearest, -np.inf)
        best = int(worth.argmax())
        chosen.append(best)
        left[best] = False
        np.maximum(nearest, vectors @ vectors[best], out=nearest)
    return chosen


def _scaled(scores: NDArray[Any]) -> NDArray[np.float64]:
    values = scores.astype(np.float64)
    spread = values.max() - values.min()
    scaled: NDArray[np.float64] = (values - values.min()) / (spread if spread > 0 else 1.0)
    return scaled


def _unit_vectors(genres: Sequence[tuple[str, ...]]) -> NDArray[np.float64]:
    """One row per item and one column per genre, rows of length 1; all 0 for an item without genres."""
    columns = {genre: column for column, genre in enumerate(sorted({name for row in genres for name in row}))}
    vectors = np.zeros((len(genres), len(columns)))
    for row, names in enumerate(genres):
        vectors[row, [columns[name] for name in names]] = 1
    lengths = np.sqrt(vectors.sum(axis=1, keepdims=True))
    unit: NDArray[np.float64] = vectors / np.maximum(lengths, 1)
    return unit


__all__ = ["CANDIDATES", "diversified"]
