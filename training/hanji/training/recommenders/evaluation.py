"""Leave-one-out evaluation of any scoring function.

``evaluate_candidates`` ranks the held-out item among its sampled negatives (HR@10 and NDCG@10);
``evaluate_catalogue`` evaluates the top 10 of the whole catalogue (Precision@10 and diversity@10).
Scores of the whole catalogue are computed for a batch of users at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.training.progress import logger, progress
from hanji.training.recommenders import metrics
from hanji.training.recommenders.data.dataset import Dataset
from hanji.training.recommenders.data.interactions import Catalogue, LeaveOneOut
from hanji.training.recommenders.group_metrics import GroupMetrics, metrics_by_group
from hanji.training.recommenders.history_samples import flat_histories
from hanji.training.recommenders.tables import (
    LARGE_CATALOGUE,
    PairScorer,
    TableScorer,
    batches_of,
    best_unseen,
    users_in_batch,
)

K = 10

CatalogueScorer = Callable[[int], NDArray[np.float32]]
"""user index → scores over all items [items]."""

MOST_SCORES = 1_000_000_000
"""Pairs of a user and an item of a large catalogue that are scored for its metrics, at most."""

_HALF_INTERVAL = 1.96  # standard errors to each side of a 95 % interval


def evaluate_candidates(score: PairScorer, test: LeaveOneOut) -> dict[str, float]:
    """HR@10 and NDCG@10 of the held-out items among their negatives."""
    candidates = candidates_of(test)
    users = np.repeat(test.users, candidates.shape[1])
    scores = score(users, candidates.ravel()).reshape(candidates.shape)
    return _of_candidates(scores, candidates)


def evaluate_catalogue(
    score: TableScorer, dataset: Dataset, *, most_scores: int | None = None
) -> dict[str, float]:
    """Precision@10 and intra-list diversity@10 over the full catalogue, excluding training items.

    Diversity is omitted if it is undefined: without genres, or if no list has two items with genres. If the
    scores of all test users are more than ``most_scores``, a random sample of the users is evaluated and
    that is logged.
    """
    test = sampled_users(dataset.test, dataset.catalogue.items, most_scores)
    top = _ranked(score, test, dataset)[1]
    result = _of_catalogue(top, test.items, dataset.catalogue)
    if len(test) < len(dataset.test):
        _log_sample(result, top, test, dataset)
    return result


@dataclass(frozen=True)
class Evaluation:
    """Test metrics, of all users and of each group of them."""

    metrics: dict[str, float]
    groups: Sequence[GroupMetrics] = ()
    """Empty if the data has no attributes of users."""


def evaluate(score: TableScorer, dataset: Dataset) -> dict[str, float]:
    """The metrics of ``evaluate_with_groups`` for all users."""
    return evaluate_with_groups(score, dataset).metrics


def evaluate_with_groups(score: TableScorer, dataset: Dataset) -> Evaluation:
    """All four metrics from one pass over the catalogue per user, and those of the groups of users.

    Exported artifacts are evaluated in this way: they recommend with their catalogue signature, so the
    candidates' scores are taken from its output. Of a large catalogue, a random sample of the users is
    evaluated, always the same; that is logged.
    """
    items = dataset.catalogue.items
    test = sampled_users(dataset.test, items, most_scores_of(items))
    scores, top = _ranked(score, test, dataset)
    ranks = metrics.positive_ranks(scores, candidates_of(test))
    by_candidates = _of_ranks(ranks)
    result = by_candidates | _of_catalogue(top, test.items, dataset.catalogue)
    if len(test) < len(dataset.test):
        _log_sample(result, top, test, dataset)
    return Evaluation(result, metrics_by_group(ranks, test.users, dataset.user_attributes))


def most_scores_of(items: int) -> int | None:
    """How many scores of a catalogue of ``items`` are computed for its metrics at most; None: all."""
    return MOST_SCORES if items > LARGE_CATALOGUE else None


def one_at_a_time(score: CatalogueScorer) -> TableScorer:
    """Tables of a function that scores the catalogue for one user."""
    return lambda users: np.stack([score(user) for user in users.tolist()])


def candidates_of(test: LeaveOneOut) -> NDArray[np.int32]:
    """The held-out item and then the negatives of each row, int32 [users, 1 + negatives]."""
    return np.concatenate([test.items[:, None], test.negatives], axis=1)


def _ranked(
    score: TableScorer, test: LeaveOneOut, dataset: Dataset
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """The scores of the candidates, and the top items without those of the training set."""
    items, candidates = dataset.catalogue.items, candidates_of(test)
    seen = flat_histories(dataset.train, dataset.catalogue.users)
    scores = np.empty(candidates.shape, np.float32)
    top = np.empty((len(test), min(K, items)), np.int32)
    batches = list(batches_of(len(test), users_in_batch(items)))
    with progress("Evaluation") as task:
        task.expect(len(batches))
        for rows in batches:
            users = test.users[rows].astype(np.int64)
            table = score(users)
            scores[rows] = np.take_along_axis(table, candidates[rows], axis=1)
            top[rows] = best_unseen(table, seen.pairs(users), top.shape[1])
            task.advance()
    return scores, top


def _of_candidates(scores: NDArray[np.float32], candidates: NDArray[np.int32]) -> dict[str, float]:
    return _of_ranks(metrics.positive_ranks(scores, candidates))


def _of_ranks(ranks: NDArray[np.int64]) -> dict[str, float]:
    return {"hr_at_10": metrics.hit_ratio(ranks, K), "ndcg_at_10": metrics.ndcg(ranks, K)}


def _of_catalogue(
    top: NDArray[np.int32], relevant: NDArray[np.int32], catalogue: Catalogue
) -> dict[str, float]:
    result = {"precision_at_10": metrics.precision(top, relevant)}
    diversity = metrics.intra_list_diversity(top, genre_features(catalogue))
    return result if np.isnan(diversity) else {**result, "diversity_at_10": diversity}


def sampled_users(test: LeaveOneOut, items: int, most_scores: int | None) -> LeaveOneOut:
    """A random sample of the rows, always the same, of which the scores of all ``items`` are few enough."""
    if most_scores is None or len(test) * items <= most_scores:
        return test
    count = max(most_scores // items, 1)
    rows = np.sort(np.random.default_rng(0).choice(len(test), count, replace=False))
    return test.at(rows)


def _log_sample(
    result: dict[str, float], top: NDArray[np.int32], test: LeaveOneOut, dataset: Dataset
) -> None:
    hits = (top == test.items[:, None]).mean(axis=1)
    margin = _HALF_INTERVAL * hits.std() / np.sqrt(len(hits))
    names = " and ".join(name.replace("_at_", "@") for name in result)
    logger.info(
        f"{names}: measured for a random sample of {len(test):,} of {len(dataset.test):,} users, because the "
        f"whole catalogue takes long; 95 % interval of precision@10: {result['precision_at_10']:.4f} "
        f"± {margin:.4f}"
    )


def genre_features(catalogue: Catalogue) -> NDArray[np.float32]:
    """The genres of each item as 0 or 1, float32 [items, genres]."""
    names = sorted({genre for genres in catalogue.genres for genre in genres})
    column = {name: index for index, name in enumerate(names)}
    features = np.zeros((catalogue.items, len(names)), np.float32)
    for row, genres in enumerate(catalogue.genres):
        features[row, [column[genre] for genre in genres]] = 1.0
    return features
