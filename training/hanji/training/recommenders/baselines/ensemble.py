"""Ensembles: weighted sums of z-scores, with weights selected on held-out items.

The held-out items are a sample, and a random one if the data has no timestamps, so weights that are optimal
on them would overfit. Among all weights within one standard error of the best, the most even ones are used
(the one-standard-error rule of Breiman et al. 1984).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hanji.training.progress import progress
from hanji.training.recommenders import metrics
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.ease import Ease
from hanji.training.recommenders.baselines.histories import (
    Histories,
    Scores,
    ScoresOf,
    histories_of,
    standardized,
    tables_of,
)
from hanji.training.recommenders.baselines.spark_als import FitAls
from hanji.training.recommenders.data.validation import TrainValidationSplit
from hanji.training.recommenders.metrics import K
from hanji.training.recommenders.protocols import candidates_of, scores_of_candidates
from hanji.training.recommenders.tables import (
    TableScorer,
    Users,
    computed_once,
    pair_scorer,
    users_in_batch,
)

FACTORS = 192
REGULARIZATION = 1000.0
PARTS = 12
"""Weights are multiples of 1/12, so that two, three or four members can have equal weights."""


@dataclass(frozen=True)
class Ensemble:
    """Models that map histories to scores, each with its weight; the weights sum to 1."""

    members: Mapping[str, ScoresOf]
    weights: Mapping[str, float]
    validation: Mapping[str, float]
    known: TableScorer
    """The scores of the users that it was fitted to, as ``scores`` of their histories."""

    def scores(self, histories: Histories) -> Scores:
        """Weighted z-scores, standardized again: mean 0 and deviation 1 for each of ``histories``."""
        return _weighted_sum(
            {name: partial(of, histories) for name, of in self.members.items()}, self.weights
        )

    def __str__(self) -> str:
        return described(self.weights, self.validation)


def described(weights: Mapping[str, float], validation: Mapping[str, float]) -> str:
    """The weights and the validation metrics of an ensemble in words."""
    shares = ", ".join(f"{weight:.0%} {name}" for name, weight in weights.items() if weight > 0)
    return f"{shares}; validation HR@10 {validation['hr_at_10']:.4f}, NDCG@10 {validation['ndcg_at_10']:.4f}"


def fit_ensemble(
    data: TrainValidationSplit,
    *,
    seed: int,
    factors: int = FACTORS,
    others: Mapping[str, ScoresOf] | None = None,
    fit_als: FitAls = Als.fit,
) -> Ensemble:
    """Fit ALS and EASE to the training set; select the weights of both and of the fitted ``others``.

    The weights are selected on held-out items. DataError if ALS does not fit into memory.
    """
    train = histories_of(data.train, users=data.users, items=data.items)
    als = fit_als(train, factors=factors, seed=seed)
    ease = Ease.fit(train, regularization=REGULARIZATION)
    members: dict[str, ScoresOf] = {"ALS": als.scores, "EASE": ease.scores, **(others or {})}
    tables = {name: tables_of(scores, train) for name, scores in members.items() if name != "ALS"}
    tables = {"ALS": computed_once(als.tables(train), *train.shape), **tables}
    best, validation = best_weights(_candidate_scores(tables, data), data)
    weights = dict(zip(members, best, strict=True))

    def known(users: Users) -> Scores:
        return _weighted_sum({name: partial(score, users) for name, score in tables.items()}, weights)

    return Ensemble(members, weights, validation, computed_once(known, *train.shape))


def _weighted_sum(members: Mapping[str, Callable[[], Scores]], weights: Mapping[str, float]) -> Scores:
    """The weighted sum of the standardized tables [users, items], standardized again.

    One table is computed after the other, because each may be large.
    """
    terms = (
        np.float32(weights[name]) * standardized(scores())
        for name, scores in members.items()
        if weights[name] > 0.0
    )
    total = next(terms)
    for term in terms:
        total += term
        del term  # before the next one is computed
    return standardized(total)


def _candidate_scores(tables: Mapping[str, TableScorer], data: TrainValidationSplit) -> Scores:
    """The standardized scores of the validation candidates, float32 [members, users, candidates]."""
    batches = -(-len(data.validation) // users_in_batch(data.items))
    with progress("Ensemble") as task:
        task.expect(len(tables) * batches)

        def standard(score: TableScorer, rows: Users) -> Scores:
            task.advance()
            return standardized(score(rows))

        scorers = [pair_scorer(partial(standard, score), data.items) for score in tables.values()]
        found = [scores_of_candidates(score, data.validation) for score in scorers]
    return np.stack(found)


def best_weights(scores: Scores, data: TrainValidationSplit) -> tuple[tuple[float, ...], dict[str, float]]:
    """The most even weights within one standard error of the best, and their validation metrics.

    ``scores`` are those of ``_candidate_scores``.
    """
    counted = metrics.counted_negatives(candidates_of(data.validation))

    def ranks(weights: tuple[float, ...]) -> NDArray[np.int64]:
        summed = np.tensordot(np.asarray(weights, np.float32), scores, axes=1)
        return metrics.ranks_among(summed, counted)

    all_ranks = {weights: ranks(weights) for weights in _all_weights(len(scores))}
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


__all__ = ["Ensemble", "best_weights", "described", "fit_ensemble"]
