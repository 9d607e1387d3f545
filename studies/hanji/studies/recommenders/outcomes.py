"""The recommendations of a bundle for each user of a test set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.export.recommenders.evaluate import bundle_scorer
from hanji.runtime import Recommender
from hanji.studies.outcomes import Part, Values, rank_correlation
from hanji.training.recommenders import metrics
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.data.validation import train_validation_split
from hanji.training.recommenders.evaluation import evaluated_rows, genre_features
from hanji.training.recommenders.history_samples import flat_histories
from hanji.training.recommenders.metrics import K
from hanji.training.recommenders.protocols import candidates_of
from hanji.training.recommenders.tables import best_unseen

SAMPLED_USERS = 200
"""Users whose scores over the whole catalogue are stored, for rank correlations."""


@dataclass(frozen=True)
class RankingOutcomes:
    """One row per user with a held-out item.

    ``ranks`` int64 [users]: 0-based rank of the held-out item among its candidates. ``top`` int32 [users, k]:
    top-k items of the catalogue without those of the training set. ``items`` int32 [users]: held-out items.
    ``scores`` float32 [sampled users, items]. ``diversity``: intra-list diversity by genres, NaN without
    genres.
    """

    ranks: NDArray[np.int64]
    top: NDArray[np.int32]
    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    diversity: float

    @property
    def samples(self) -> NDArray[np.int32]:
        """The held-out items, int32 [users], which identify the users."""
        return self.items

    def metrics(self) -> dict[str, float]:
        """HR@10 and NDCG@10 among the candidates, Precision@10 over the catalogue, diversity if known."""
        values = {
            "hr_at_10": metrics.hit_ratio(self.ranks, K),
            "ndcg_at_10": metrics.ndcg(self.ranks, K),
            "precision_at_10": metrics.precision(self.top, self.items),
        }
        return values if np.isnan(self.diversity) else {**values, "diversity_at_10": self.diversity}

    def each(self, metric: str) -> Values:
        """One value per user, float64 [users], whose mean is ``metric``: a hit ratio, NDCG or precision."""
        if metric == "precision_at_10":
            precision: Values = (self.top == self.items[:, None]).mean(axis=1)
            return precision
        hits = self.ranks < K
        if metric == "hr_at_10":
            return hits.astype(np.float64)
        return np.where(hits, 1.0 / np.log2(self.ranks + 2.0), 0.0)

    def agreement(self, full: RankingOutcomes) -> dict[str, float]:
        """Means over the users.

        ``overlap_at_10``: fraction of the full model's top 10 that is in this model's top 10;
        ``rank_correlation``: Spearman correlation of the scores over the whole catalogue.
        """
        shared = [len(set(a) & set(b)) for a, b in zip(full.top.tolist(), self.top.tolist(), strict=True)]
        overlap = float(np.mean(shared)) / full.top.shape[1]
        return {
            "overlap_at_10": overlap,
            "rank_correlation": rank_correlation(full.scores, self.scores),
        }

    def confusion(self) -> None:
        """A recommender has no classes."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that are stored on disk."""
        plain: dict[str, NDArray[Any]] = {"ranks": self.ranks, "top": self.top, "items": self.items}
        return {**plain, "scores": self.scores, "diversity": np.array(self.diversity)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> RankingOutcomes:
        """The outcomes from the result of ``arrays``."""
        plain = {name: array for name, array in arrays.items() if name != "diversity"}
        return cls(**plain, diversity=float(arrays["diversity"]))


def ranking_outcomes(
    bundle: Path, dataset: Dataset, *, engine: str, part: Part, seed: int
) -> RankingOutcomes:
    """The outcomes of ``bundle`` for every user with a held-out item; see ``StudyTask``.

    Of a large catalogue, they are those of a random sample of the users, always the same. Items that nobody
    interacted with are not ranked.
    """
    dataset = dataset.without_cold_items()
    if part == "validation":
        split = train_validation_split(dataset, seed)
        dataset = replace(dataset, train=split.train, test=split.validation)
    items = dataset.catalogue.items
    test, k = evaluated_rows(dataset), min(K, items)
    seen = flat_histories(dataset.train, dataset.catalogue.users)
    candidates = candidates_of(test)
    candidate_scores = np.empty(candidates.shape, np.float32)
    top = np.empty((len(test), k), np.int32)
    sampled: list[NDArray[np.float32]] = []
    with Recommender.open(bundle, engine=engine) as recommender:
        score = bundle_scorer(recommender, dataset)
        for row, user in enumerate(test.users.tolist()):
            scores = score(user)
            candidate_scores[row] = scores[candidates[row]]
            if row < SAMPLED_USERS:
                sampled.append(scores.copy())
            top[row] = best_unseen(scores[None], seen.pairs(np.array([user])), k)[0]
    features = genre_features(dataset.catalogue)
    diversity = metrics.intra_list_diversity(top, features) if features.any() else float("nan")
    ranks = metrics.positive_ranks(candidate_scores, candidates)
    return RankingOutcomes(ranks, top, test.items, np.stack(sampled).astype(np.float32), diversity)


__all__ = ["RankingOutcomes", "ranking_outcomes"]
