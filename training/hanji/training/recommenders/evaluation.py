"""Leave-one-out evaluation of any scoring function.

``evaluate_candidates`` ranks the held-out item among its sampled negatives (HR@10 and NDCG@10);
``evaluate_catalogue`` evaluates the top 10 of the whole catalogue (Precision@10 and diversity@10) and ranks
the held-out item in it; ``evaluate_protocols`` does all of this, and ranks in other ways as well.
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
from hanji.training.recommenders.metrics import K
from hanji.training.recommenders.protocols import (
    FULL,
    REPORTED,
    SAMPLED,
    FullRanking,
    Ranking,
    candidates_of,
    rankings_of,
    scores_of_candidates,
)
from hanji.training.recommenders.tables import (
    LARGE_CATALOGUE,
    PairScorer,
    TableScorer,
    batches_of,
    best_unseen,
    users_in_batch,
)

ByProtocol = dict[str, dict[str, float]]
"""Metrics under each protocol, by its name."""

CatalogueScorer = Callable[[int], NDArray[np.float32]]
"""user index → scores over all items [items]."""

MOST_SCORES = 1_000_000_000
"""Pairs of a user and an item of a large catalogue that are scored for its metrics, at most."""


def evaluate_candidates(score: PairScorer, test: LeaveOneOut) -> dict[str, float]:
    """HR@10 and NDCG@10 of the held-out items among their negatives."""
    return _of_candidates(scores_of_candidates(score, test), candidates_of(test))


def evaluate_catalogue(score: TableScorer, dataset: Dataset, *, most_scores: int | None = None) -> ByProtocol:
    """The metrics that need the scores of the full catalogue, excluding training items.

    They are Precision@10 and intra-list diversity@10 under ``sampled``, and all metrics of ``full``.
    Diversity is omitted if it is undefined: without genres, or if no list has two items with genres. If the
    scores of all test users are more than ``most_scores``, a random sample of the users is evaluated and that
    is logged.
    """
    test = sampled_users(dataset.test, dataset.catalogue.items, most_scores)
    rankings = rankings_of([FULL], test, dataset)
    top = ranked(score, test, dataset, list(rankings.values()))
    lists = _of_catalogue(top, test.items, dataset.catalogue)
    _log_sample(lists, "precision_at_10", top == test.items[:, None], dataset)
    return {SAMPLED: lists, FULL: _evaluation(FULL, rankings[FULL], top, test, dataset).metrics}


def evaluate_by_pairs(
    pairs: PairScorer, tables: TableScorer, dataset: Dataset, *, most_scores: int | None
) -> ByProtocol:
    """The metrics of the protocols REPORTED for a model of which pairs cost less than the whole catalogue.

    Held-out items are ranked among their negatives for all users; for the rest see ``evaluate_catalogue``.
    """
    by_candidates = evaluate_candidates(pairs, dataset.test)
    found = evaluate_catalogue(tables, dataset, most_scores=most_scores)
    return {**found, SAMPLED: by_candidates | found[SAMPLED]}


@dataclass(frozen=True)
class Evaluation:
    """Test metrics under one protocol, of all users and of each group of them."""

    protocol: str
    """The protocol as a phrase."""

    metrics: dict[str, float]
    groups: Sequence[GroupMetrics] = ()
    """Empty if the data has no attributes of users."""


def evaluate(score: TableScorer, dataset: Dataset) -> dict[str, float]:
    """HR@10, NDCG@10, Precision@10 and, if defined, diversity@10: the protocol ``sampled``, for all users."""
    return evaluate_protocols(score, dataset)[SAMPLED].metrics


def evaluate_reported(score: TableScorer, dataset: Dataset) -> ByProtocol:
    """The metrics that models are reported with, for all users; see ``evaluate_protocols``."""
    found = evaluate_protocols(score, dataset, REPORTED)
    return {name: each.metrics for name, each in found.items()}


def evaluate_protocols(
    score: TableScorer, dataset: Dataset, protocols: Sequence[str] = (SAMPLED,)
) -> dict[str, Evaluation]:
    """Metrics under each protocol, by its name, from one pass over the catalogue per user.

    All have HR@10 and NDCG@10; ``sampled`` adds the metrics of ``evaluate_catalogue``, ``full`` the mean
    reciprocal rank (MRR) and coverage@10, the share of the catalogue that is in the top 10 of some user.
    Exported artifacts are evaluated in this way: they recommend with their catalogue signature, so the
    candidates' scores are taken from its output. Of a large catalogue, a random sample of the users is
    evaluated, always the same; that is logged. Raises the errors of ``rankings_of``.
    """
    test = evaluated_rows(dataset)
    rankings = rankings_of(protocols, test, dataset)
    top = ranked(score, test, dataset, list(rankings.values()))
    return {name: _evaluation(name, ranking, top, test, dataset) for name, ranking in rankings.items()}


def _evaluation(
    name: str, ranking: Ranking, top: NDArray[np.int32], test: LeaveOneOut, dataset: Dataset
) -> Evaluation:
    ranks = ranking.ranks
    result = _of_ranks(ranks)
    if name == SAMPLED:
        result |= _of_catalogue(top, test.items, dataset.catalogue)
        _log_sample(result, "precision_at_10", top == test.items[:, None], dataset)
    else:
        if isinstance(ranking, FullRanking):
            covered = metrics.coverage(top, ranking.unseen, dataset.catalogue.items)
            result |= {"mrr": metrics.reciprocal_rank(ranks), "coverage_at_10": covered}
        _log_sample(result, "hr_at_10", ranks[:, None] < K, dataset, prefix=f"protocol {name}, ")
    return Evaluation(ranking.phrase, result, metrics_by_group(ranks, test.users, dataset.user_attributes))


def most_scores_of(items: int) -> int | None:
    """How many scores of a catalogue of ``items`` are computed for its metrics at most; None: all."""
    return MOST_SCORES if items > LARGE_CATALOGUE else None


def one_at_a_time(score: CatalogueScorer) -> TableScorer:
    """Tables of a function that scores the catalogue for one user."""
    return lambda users: np.stack([score(user) for user in users.tolist()])


def ranked(
    score: TableScorer, test: LeaveOneOut, dataset: Dataset, rankings: Sequence[Ranking] = ()
) -> NDArray[np.int32]:
    """Add the scores of all rows ``test`` to the ``rankings``, batch by batch.

    Returns the top K items of each row without those of the training set, best first, int32 [rows, K].
    """
    items = dataset.catalogue.items
    seen = flat_histories(dataset.train, dataset.catalogue.users)
    top = np.empty((len(test), min(K, items)), np.int32)
    batches = list(batches_of(len(test), users_in_batch(items)))
    with progress("Evaluation") as task:
        task.expect(len(batches))
        for rows in batches:
            users = test.users[rows].astype(np.int64)
            table, own = score(users), seen.pairs(users)
            top[rows] = best_unseen(table, own, top.shape[1])
            for ranking in rankings:
                ranking.add(rows, table, own)
            task.advance()
    return top


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


def evaluated_rows(dataset: Dataset) -> LeaveOneOut:
    """The test rows of which the whole catalogue is scored: of a large one, a random sample of the users."""
    items = dataset.catalogue.warm_items
    return sampled_users(dataset.test, items, most_scores_of(items))


def sampled_users(test: LeaveOneOut, items: int, most_scores: int | None) -> LeaveOneOut:
    """A random sample of the rows, always the same, of which the scores of all ``items`` are few enough."""
    if most_scores is None or len(test) * items <= most_scores:
        return test
    count = max(most_scores // items, 1)
    rows = np.sort(np.random.default_rng(0).choice(len(test), count, replace=False))
    return test.at(rows)


def _log_sample(
    result: dict[str, float],
    measured: str,
    hits: NDArray[np.bool_],
    dataset: Dataset,
    *,
    prefix: str = "",
) -> None:
    """Log that ``result`` is of a sample, if it is; ``measured`` is the mean of ``hits`` [users, n]."""
    if len(hits) == len(dataset.test):
        return
    margin = metrics.HALF_INTERVAL * hits.mean(axis=1).std() / np.sqrt(len(hits))
    names = " and ".join(name.replace("_at_", "@") for name in result)
    logger.info(
        f"{prefix}{names}: measured for a random sample of {len(hits):,} of {len(dataset.test):,} users, "
        f"because the whole catalogue takes long; 95 % interval of {measured.replace('_at_', '@')}: "
        f"{result[measured]:.4f} ± {margin:.4f}"
    )


def genre_features(catalogue: Catalogue) -> NDArray[np.float32]:
    """The genres of each item as 0 or 1, float32 [items, genres]."""
    names = sorted({genre for genres in catalogue.genres for genre in genres})
    column = {name: index for index, name in enumerate(names)}
    features = np.zeros((catalogue.items, len(names)), np.float32)
    for row, genres in enumerate(catalogue.genres):
        features[row, [column[genre] for genre in genres]] = 1.0
    return features
