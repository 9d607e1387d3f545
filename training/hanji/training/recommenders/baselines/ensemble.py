"""Several models as one: z-scores, weighted as held-out items choose.

Held-out items are a sample, and random ones where the data has no times: weights that are tuned to them to
the last digit lose on what somebody meets next. So of all mixtures that are within one standard error of the
best, the most even one is taken (the one-standard-error rule of Breiman et al. 1984).
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
"""Weights are twelfths, so that two, three or four members can be equal."""

LARGEST_TABLE = 500_000_000
"""Scores of every user for every item that are held in memory, 4 bytes each."""


@dataclass(frozen=True)
class Ensemble:
    """Models that turn histories into scores, each with its weight; the weights add up to 1."""

    members: Mapping[str, ScoresOf]
    weights: Mapping[str, float]
    validation: Mapping[str, float]
    fitted: Scores
    """``scores`` of the histories that it was fitted to, [users, items]."""

    def scores(self, histories: Histories) -> Scores:
        """Weighted z-scores, standardized again: mean 0 and deviation 1 for each of ``histories``."""
        used = [name for name, weight in self.weights.items() if weight > 0.0]
        tables = {name: standardized(self.members[name](histories)) for name in used}
        return _mixed(tables, self.weights)

    def __str__(self) -> str:
        shares = ", ".join(f"{weight:.0%} {name}" for name, weight in self.weights.items() if weight > 0)
        found = self.validation
        return f"{shares}; validation HR@10 {found['hr_at_10']:.4f}, NDCG@10 {found['ndcg_at_10']:.4f}"


def fit_ensemble(
    data: TrainValidationSplit,
    *,
    seed: int,
    factors: int = FACTORS,
    others: Mapping[str, ScoresOf] | None = None,
) -> Ensemble:
    """ALS and EASE fitted to the training set, beside ``others`` that are; held-out items choose the weights.

    DataError where users × items do not fit into memory.
    """
    if data.users * data.items > LARGEST_TABLE:
        raise DataError(
            f"the ensemble holds a score for each of {data.users:,} users × {data.items:,} items, and "
            f"expects at most {LARGEST_TABLE:,} of them; take the full model as the teacher"
        )
    train = histories_of(data.train, users=data.users, items=data.items)
    members: dict[str, ScoresOf] = {
        "ALS": Als.fit(train, factors=min(factors, min(train.shape)), seed=seed).scores,
        "EASE": Ease.fit(train, regularization=REGULARIZATION).scores,
        **(others or {}),
    }
    tables = {name: standardized(scores(train)) for name, scores in members.items()}
    best, found = _best_weights(tables, data)
    weights = dict(zip(members, best, strict=True))
    return Ensemble(members, weights, found, _mixed(tables, weights))


def _mixed(tables: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    total = np.zeros_like(next(iter(tables.values())))
    for name, table in tables.items():
        total += np.float32(weights[name]) * table
    return standardized(total)


def _best_weights(
    tables: Mapping[str, Scores], data: TrainValidationSplit
) -> tuple[tuple[float, ...], dict[str, float]]:
    """The most even weights among those that rank the held-out items as well as any, and what they reach."""
    rows = data.validation
    candidates = np.concatenate([rows.items[:, None], rows.negatives], axis=1)
    picked = np.stack(
        [np.take_along_axis(table[rows.users], candidates, axis=1) for table in tables.values()]
    )

    def ranks(weights: tuple[float, ...]) -> NDArray[np.int64]:
        mixed = np.tensordot(np.asarray(weights, np.float32), picked, axes=1)
        return metrics.positive_ranks(mixed, candidates)

    tried = {weights: ranks(weights) for weights in _mixtures(len(tables))}
    best = max(tried.values(), key=lambda found: metrics.ndcg(found, K))
    enough = metrics.ndcg(best, K) - metrics.ndcg_standard_error(best, K)
    chosen = min((weights for weights in tried if metrics.ndcg(tried[weights], K) >= enough), key=_unevenness)
    found = tried[chosen]
    return chosen, {"hr_at_10": metrics.hit_ratio(found, K), "ndcg_at_10": metrics.ndcg(found, K)}


def _unevenness(weights: tuple[float, ...]) -> float:
    return sum(weight * weight for weight in weights)


def _mixtures(count: int, parts: int = PARTS) -> Iterator[tuple[float, ...]]:
    """All ways to give ``parts`` equal parts to ``count`` members."""
    if count == 1:
        yield (parts / PARTS,)
        return
    for first in range(parts + 1):
        for rest in _mixtures(count - 1, parts - first):
            yield (first / PARTS, *rest)


__all__ = ["Ensemble", "fit_ensemble"]
