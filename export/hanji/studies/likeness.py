"""How much a model answers like the full one, right or wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from hanji.studies.outcomes import Outcomes, PictureOutcomes, RankingOutcomes


def likeness(full: Outcomes, other: Outcomes) -> dict[str, float]:
    """Means over the samples of one seed.

    Rankings: ``overlap_at_10``, the share of the full model's ten that the other's ten hold, and
    ``rank_correlation`` (Spearman) of the scores of the whole catalogue. Pictures: ``same_class``, and the
    correlation of the classes' probabilities.
    """
    if isinstance(full, RankingOutcomes) and isinstance(other, RankingOutcomes):
        shared = [len(set(a) & set(b)) for a, b in zip(full.top.tolist(), other.top.tolist(), strict=True)]
        overlap = float(np.mean(shared)) / full.top.shape[1]
        return {
            "overlap_at_10": overlap,
            "rank_correlation": rank_correlation(full.scores, other.scores),
        }
    if isinstance(full, PictureOutcomes) and isinstance(other, PictureOutcomes):
        same = full.probabilities.argmax(axis=1) == other.probabilities.argmax(axis=1)
        correlation = rank_correlation(full.probabilities, other.probabilities)
        return {"same_class": float(same.mean()), "rank_correlation": correlation}
    raise TypeError("expected outcomes of the same task")


def rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Mean over the rows of Spearman's correlation, ties sharing their mean rank; a constant row counts 0."""
    a, b = (rankdata(table, axis=1) for table in (first, second))
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    norms = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    products = (a * b).sum(axis=1)
    return float(np.mean(np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)))


__all__ = ["likeness", "rank_correlation"]
