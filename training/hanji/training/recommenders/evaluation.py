"""Leave-one-out evaluation of any scoring function.

``evaluate_candidates`` ranks the held-out item among its sampled negatives (HR@10 and NDCG@10);
``evaluate_catalogue`` evaluates the top 10 of the whole catalogue (Precision@10 and diversity@10).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hanji.training.recommenders import metrics
from hanji.training.recommenders.data.dataset import Dataset
from hanji.training.recommenders.data.interactions import Catalogue, Interactions, LeaveOneOut

K = 10

PairScorer = Callable[[NDArray[np.int32], NDArray[np.int32]], NDArray[np.float32]]
"""(users [n], items [n]) → scores [n]."""

CatalogueScorer = Callable[[int], NDArray[np.float32]]
"""user index → scores over all items [items]."""


def protocol_of(negatives: int) -> str:
    """The evaluation protocol with this number of sampled negatives, as a phrase."""
    return f"leave-one-out, {negatives} sampled negatives, ties count against the positive"


def evaluate_candidates(score: PairScorer, test: LeaveOneOut) -> dict[str, float]:
    """HR@10 and NDCG@10 of the held-out items among their negatives."""
    candidates = np.concatenate([test.items[:, None], test.negatives], axis=1)
    users = np.repeat(test.users, candidates.shape[1])
    scores = score(users, candidates.ravel()).reshape(candidates.shape)
    ranks = metrics.positive_ranks(scores, candidates)
    return {"hr_at_10": metrics.hit_ratio(ranks, K), "ndcg_at_10": metrics.ndcg(ranks, K)}


def evaluate_catalogue(score: CatalogueScorer, dataset: Dataset) -> dict[str, float]:
    """Precision@10 and intra-list diversity@10 over the full catalogue, excluding training items.

    Diversity is omitted if it is undefined: without genres, or if no list has two items with genres.
    """
    seen = items_by_user(dataset.train, len(dataset.catalogue.user_ids))
    k = min(K, len(dataset.catalogue.item_ids))
    top = np.stack([_top(score(int(user)), seen[user], k) for user in dataset.test.users])
    result = {"precision_at_10": metrics.precision(top, dataset.test.items)}
    diversity = metrics.intra_list_diversity(top, genre_features(dataset.catalogue))
    return result if np.isnan(diversity) else {**result, "diversity_at_10": diversity}


def evaluate(score_all: CatalogueScorer, dataset: Dataset) -> dict[str, float]:
    """All four metrics from one pass over the catalogue per user.

    Exported artifacts are evaluated in this way: they recommend with their catalogue signature, so the
    candidates' scores are taken from its output.
    """
    rows = {int(user): score_all(int(user)) for user in np.unique(dataset.test.users)}

    def score_pairs(users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        return np.array([rows[int(user)][item] for user, item in zip(users, items, strict=True)], np.float32)

    return evaluate_candidates(score_pairs, dataset.test) | evaluate_catalogue(rows.__getitem__, dataset)


def items_by_user(train: Interactions, users: int) -> list[NDArray[np.int32]]:
    """Each user's training items, by user index."""
    order = np.argsort(train.users, kind="stable")
    bounds = np.searchsorted(train.users[order], np.arange(1, users))
    return np.split(train.items[order], bounds)


def genre_features(catalogue: Catalogue) -> NDArray[np.float32]:
    """The genres of each item as 0 or 1, float32 [items, genres]."""
    names = sorted({genre for genres in catalogue.genres for genre in genres})
    column = {name: index for index, name in enumerate(names)}
    features = np.zeros((catalogue.items, len(names)), np.float32)
    for row, genres in enumerate(catalogue.genres):
        features[row, [column[genre] for genre in genres]] = 1.0
    return features


def _top(scores: NDArray[np.float32], seen: NDArray[np.int32], k: int) -> NDArray[np.int32]:
    scores = scores.copy()
    scores[seen] = -np.inf
    return np.argsort(-scores, kind="stable")[:k].astype(np.int32)
