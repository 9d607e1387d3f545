"""The ensemble of a large catalogue: the same models and weights, scored at some items at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hanji.training.progress import progress
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.ease import Ease
from hanji.training.recommenders.baselines.ensemble import (
    FACTORS,
    REGULARIZATION,
    best_weights,
    described,
)
from hanji.training.recommenders.baselines.histories import Histories, Scores, histories_of
from hanji.training.recommenders.baselines.spark_als import FitAls
from hanji.training.recommenders.baselines.subset_scores import (
    CatalogueSample,
    Moments,
    SubsetModel,
    als_subsets,
    ease_subsets,
    weighted_sum,
)
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.data.validation import TrainValidationSplit
from hanji.training.recommenders.evaluation import (
    evaluate_by_pairs,
    most_scores_of,
)
from hanji.training.recommenders.protocols import SAMPLED, scores_of_candidates
from hanji.training.recommenders.tables import SubsetScorer, subset_pair_scorer, subset_tables


@dataclass(frozen=True)
class SubsetEnsemble:
    """Models, each with its weight; the weights sum to 1. Standardization uses a sample of the catalogue."""

    members: Mapping[str, SubsetModel]
    weights: Mapping[str, float]
    validation: Mapping[str, float]
    sample: CatalogueSample
    known: SubsetScorer
    """The scores of the users that it was fitted to."""

    def scorer(self, histories: Histories) -> SubsetScorer:
        """Weighted z-scores of other ``histories`` [users, items], standardized again."""
        used = [name for name, weight in self.weights.items() if weight > 0.0]
        scorers = [self.members[name](histories) for name in used]
        moments = Moments.of(scorers, histories.shape[0], self.sample)
        return weighted_sum(scorers, [self.weights[name] for name in used], moments)

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        """Metrics under ``sampled``, those of lists for a sample of the users if the catalogue is large."""
        users, items = dataset.catalogue.users, dataset.catalogue.items
        score = self.scorer(histories_of(dataset.train, users=users, items=items))
        pairs, tables = subset_pair_scorer(score), subset_tables(score, items)
        return evaluate_by_pairs(pairs, tables, dataset, most_scores=most_scores_of(items))[SAMPLED]

    def __str__(self) -> str:
        return described(self.weights, self.validation)


def fit_subset_ensemble(
    data: TrainValidationSplit,
    *,
    seed: int,
    factors: int = FACTORS,
    others: Mapping[str, SubsetModel] | None = None,
    fit_als: FitAls = Als.fit,
) -> SubsetEnsemble:
    """``fit_ensemble`` for a large catalogue."""
    train = histories_of(data.train, users=data.users, items=data.items)
    als = fit_als(train, factors=factors, seed=seed)
    ease = Ease.fit(train, regularization=REGULARIZATION)
    members = {"ALS": als_subsets(als), "EASE": ease_subsets(ease, data.items), **(others or {})}
    scorers = [member(train) for member in members.values()]
    sample = CatalogueSample.of(np.asarray(train.sum(axis=0)).ravel(), seed=seed)
    moments = Moments.of(scorers, data.users, sample)
    best, validation = best_weights(_candidate_scores(scorers, moments, data), data)
    known = weighted_sum(scorers, best, moments)
    return SubsetEnsemble(members, dict(zip(members, best, strict=True)), validation, sample, known)


def standardized_subsets(model: SubsetModel, train: Histories, *, seed: int) -> SubsetScorer:
    """The standardized scores of one model for the users of ``train``."""
    sample = CatalogueSample.of(np.asarray(train.sum(axis=0)).ravel(), seed=seed)
    scorers = [model(train)]
    return weighted_sum(scorers, [1.0], Moments.of(scorers, train.shape[0], sample))


def _candidate_scores(scorers: list[SubsetScorer], moments: Moments, data: TrainValidationSplit) -> Scores:
    """The standardized scores of the validation candidates, float32 [models, users, candidates]."""
    of_users = data.validation.users
    found = []
    with progress("Ensemble") as task:
        task.expect(len(scorers))
        for index, score in enumerate(scorers):
            scores = scores_of_candidates(subset_pair_scorer(score), data.validation)
            centred = scores - moments.means[of_users, index, None]
            found.append(centred / moments.deviations[of_users, index, None])
            task.advance()
    return np.stack(found)


__all__ = ["SubsetEnsemble", "fit_subset_ensemble", "standardized_subsets"]
