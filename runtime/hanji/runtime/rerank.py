"""Diversification by maximal marginal relevance (Carbonell and Goldstein 1998)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CANDIDATES = 10
"""Candidates per requested item."""


def diversified(
    scores: NDArray[Any], genres: Sequence[tuple[str, ...]], k: int, diversity: float
) -> list[int]:
    """Positions of ``k`` of the candidates, in selection order.

    ``scores`` (real [n], highest first) and ``genres`` belong to the candidates. Each step selects the
    candidate with the highest (1 - diversity) · relevance - diversity · (largest similarity to a selected
    candidate); ties are broken by position. Relevance is the score scaled to [0, 1] over the candidates;
    similarity is the cosine similarity of the genre sets, 0 for an item without genres. ``diversity`` is in
    [0, 1).
    """
    vectors = _unit_vectors(genres)
    relevance = (1 - diversity) * _scaled(scores)
    nearest = np.zeros(len(scores))  # similarities are nonnegative
    remaining = np.ones(len(scores), np.bool_)
    chosen: list[int] = []
    for _ in range(min(k, len(scores))):
        value = np.where(remaining, relevance - diversity * nearest, -np.inf)
        best = int(value.argmax())
        chosen.append(best)
        remaining[best] = False
        np.maximum(nearest, vectors @ vectors[best], out=nearest)
    return chosen


def _scaled(scores: NDArray[Any]) -> NDArray[np.float64]:
    values = scores.astype(np.float64)
    spread = values.max() - values.min()
    scaled: NDArray[np.float64] = (values - values.min()) / (spread if spread > 0 else 1.0)
    return scaled


def _unit_vectors(genres: Sequence[tuple[str, ...]]) -> NDArray[np.float64]:
    """One row per item, one column per genre, rows of unit length; zero rows for items without genres."""
    columns = {genre: column for column, genre in enumerate(sorted({name for row in genres for name in row}))}
    vectors = np.zeros((len(genres), len(columns)))
    for row, names in enumerate(genres):
        vectors[row, [columns[name] for name in names]] = 1
    lengths = np.sqrt(vectors.sum(axis=1, keepdims=True))
    unit: NDArray[np.float64] = vectors / np.maximum(lengths, 1)
    return unit


__all__ = ["CANDIDATES", "diversified"]
