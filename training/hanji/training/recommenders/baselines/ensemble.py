"""Ensembles: weighted sums of z-scores, with weights selected on held-out items.

The held-out items are a sample, and a random one if the data has no timestamps, so weights that are optimal
on them would overfit. Among all weights within one standard error of the best, the most even ones are used
(the one-standard-error rule of Breiman et al. 1984).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.recommenders import metrics
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.ease import Ease
from hanji.training.recommenders.baselines.histories import (
    Histories,
    Scores,
    ScoresOf,
    histories_of,
    standardized,
)
from hanji.training.recommenders.data.validation import TrainValidationSplit
from hanji.training.recommenders.evaluation import K

FACTORS = 192
REGULARIZATION = 1000.0
PARTS = 12
"""Weights are multiples of 1/12, so that two, three or four members can have equal weights."""

LARGEST_TABLE = 500_000_000
"""Largest number of user × item scores that is held in memory, at 4 bytes each."""


@dataclass(frozen=True)
class Ensemble:
    """Models that map histories to scores, each with its weight; the weights sum to 1."""

    members: Mapping[str, ScoresOf]
    weights: Mapping[str, float]
    validation: Mapping[str, float]
    fitted: Scores
    """``scores`` [users, items] of the histories that it was fitted to."""

    def scores(self, histories: Histories) -> Scores:
        """Weighted z-scores, standardized again: mean 0 and deviation 1 for each of ``histories``."""
        used = [name for name, weight in self.weights.items() if weight > 0.0]
        tables = {name: standardized(self.members[name](histories)) for name in used}
        return _weighted_sum(tables, self.weights)

    def __str__(self) -> str:
        shares = ", ".join(f"{weight:.0%} {name}" for name, weight in self.weights.items() if weight > 0)
        metrics = self.validation
        return f"{shares}; validation HR@10 {metrics['hr_at_10']:.4f}, NDCG@10 {metrics['ndcg_at_10']:.4f}"


def fit_ensemble(
    data: TrainValidationSplit,
    *,
    seed: int,
    factors: int = FACTORS,
    others: Mapping[str, ScoresOf] | None = None,
) -> Ensemble:
    """Fit ALS and EASE to the training set; select the weights of both and of the fitted ``others``.

    The weights are selected on held-out items. DataError if users × items scores do not fit into memory.
    """
    if data.users * data.items > LARGEST_TABLE:
        raise DataError(
            f"the ensemble needs a score for each of {data.users:,} users × {data.items:,} items, but "
            f"supports at most {LARGEST_TABLE:,} of them; use the full model as the teacher"
        )
    train = histories_of(data.train, users=data.users, items=data.items)
    members: dict[str, ScoresOf] = {
        "ALS": Als.fit(train, factors=min(factors, min(train.shape)), seed=seed).scores,
        "EASE": Ease.fit(train, regularization=REGULARIZATION).scores,
        **(others or {}),
    }
    tables = {name: standardized(scores(train)) for name, scores in members.items()}
    best, validation = _best_weights(tables, data)
    weights = dict(zip(members, best, strict=True))
    return Ensemble(members, weights, validation, _weighted_sum(tables, weights))


def _weighted_sum(tables: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    total = np.zeros_like(next(iter(tables.values())))
    for name, table in tables.items():
        total += np.float32(weights[name]) * table
    return standardized(total)


def _best_weights(
    tables: Mapping[str, Scores], data: TrainValidationSplit
) -> tuple[tuple[float, ...], dict[str, float]]:
    """The most even weights within one standard error of the best, and their validation metrics."""
    rows = data.validation
    candidates = np.concatenate([rows.items[:, None], rows.negatives], axis=1)
    scores = np.stack(
        [np.take_along_axis(table[rows.users], candidates, axis=1) for table in tables.values()]
    )

    def ranks(weights: tuple[float, ...]) -> NDArray[np.int64]:
        summed = np.tensordot(np.asarray(weights, np.float32), scores, axes=1)
        return metrics.positive_ranks(summed, candidates)

    all_ranks = {weights: ranks(weights) for weights in _all_weights(len(tables))}
    best = max(all_ranks.values(), key=lambda ranked: metrics.ndcg(ranked, K))
    threshold = metrics.ndcg(best, K) - metrics.ndcg_standard_error(best, K)
    selected = min(
        (weights for weights in all_ranks if metrics.ndcg(all_ranks[weights], K) >= threshold),
        key=_unevenness,
    )
    ranked = all_ranks[selected]
    return selected, {"hr_at_10": metrics.hit_ratio(ranked, K), "ndcg_at_10": metrics.ndcg(ranked, K)}


def _unevenness(weights: tuple[float, ...]) -> float:
    return sum(weight * weight for weight in weights)


def _all_weights(count: int, parts: int = PARTS) -> Iterator[tuple[float, ...]]:
    """All ways to distribute ``parts`` parts of 1/PARTS among ``count`` members."""
    if count == 1:
        yield (parts / PARTS,)
        return
    for first in range(parts + 1):
        for rest in _all_weights(count - 1, parts - first):
            yield (first / PARTS, *rest)


__all__ = ["Ensemble", "fit_ensemble"]
