"""The recommendations of a bundle for each user of a test set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
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
from hanji.training.recommenders.evaluation import evaluated_rows, genre_features, one_at_a_time, ranked
from hanji.training.recommenders.metrics import K
from hanji.training.recommenders.protocols import CandidateRanking, FullRanking
from hanji.training.recommenders.tables import Table, TableScorer, Users

FULL_RANKING = "full_ranking_"
"""Begins the names of metrics under the protocol ``full``; all others are of ``sampled``."""

SAMPLED_USERS = 200
"""Users whose scores over the whole catalogue are stored, for rank correlations."""

_EACH: Mapping[str, Callable[[NDArray[np.int64]], Values]] = {
    "hr_at_10": lambda ranks: (ranks < K).astype(np.float64),
    "ndcg_at_10": partial(metrics.ndcg_gains, k=K),
    "mrr": metrics.reciprocal_ranks,
}
"""Metrics that are means over the users: from their ranks, one value per user."""


@dataclass(frozen=True)
class RankingOutcomes:
    """One row per user with a held-out item.

    ``ranks`` int64 [users]: 0-based rank of the held-out item among its candidates; ``full_ranks``: among the
    whole catalogue without the training history. ``top`` int32 [users, k]: top-k items of the catalogue
    without those of the training set. ``items`` int32 [users]: held-out items. ``scores`` float32 [sampled
    users, items]. ``diversity``: intra-list diversity by genres, NaN without genres. ``coverage``: share of
    the catalogue that is in some user's top-k.
    """

    ranks: NDArray[np.int64]
    full_ranks: NDArray[np.int64]
    top: NDArray[np.int32]
    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    diversity: float
    coverage: float

    @property
    def samples(self) -> NDArray[np.int32]:
        """The held-out items, int32 [users], which identify the users."""
        return self.items

    def metrics(self) -> dict[str, float]:
        """HR@10 and NDCG@10 among the candidates, Precision@10 over the catalogue, diversity if known; and
        HR@10, NDCG@10, MRR and coverage@10 under full ranking."""
        values = {
            "hr_at_10": metrics.hit_ratio(self.ranks, K),
            "ndcg_at_10": metrics.ndcg(self.ranks, K),
            "precision_at_10": metrics.precision(self.top, self.items),
        }
        diversity = {} if np.isnan(self.diversity) else {"diversity_at_10": self.diversity}
        full = {
            "hr_at_10": metrics.hit_ratio(self.full_ranks, K),
            "ndcg_at_10": metrics.ndcg(self.full_ranks, K),
            "mrr": metrics.reciprocal_rank(self.full_ranks),
            "coverage_at_10": self.coverage,
        }
        return values | diversity | {FULL_RANKING + name: value for name, value in full.items()}

    def each(self, metric: str) -> Values:
        """One value per user, float64 [users], whose mean is ``metric``; neither diversity nor coverage."""
        if metric == "precision_at_10":
            precision: Values = (self.top == self.items[:, None]).mean(axis=1)
            return precision
        ranks = self.full_ranks if metric.startswith(FULL_RANKING) else self.ranks
        return _EACH[metric.removeprefix(FULL_RANKING)](ranks)

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
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> RankingOutcomes:
        """The outcomes from the result of ``arrays``."""
        numbers: dict[str, Any] = {name: float(arrays[name]) for name in ("diversity", "coverage")}
        return cls(**{**arrays, **numbers})


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
    test, items = evaluated_rows(dataset), dataset.catalogue.items
    sampled, full = CandidateRanking(test, test.protocol), FullRanking(test, items)
    scores: list[Table] = []
    with Recommender.open(bundle, engine=engine) as recommender:
        score = _recorded(one_at_a_time(bundle_scorer(recommender, dataset)), scores)
        top = ranked(score, test, dataset, [sampled, full])
    features = genre_features(dataset.catalogue)
    return RankingOutcomes(
        ranks=sampled.ranks,
        full_ranks=full.ranks,
        top=top,
        items=test.items,
        scores=np.concatenate(scores),
        diversity=metrics.intra_list_diversity(top, features) if features.any() else float("nan"),
        coverage=metrics.coverage(top, full.unseen, items),
    )


def _recorded(score: TableScorer, kept: list[Table]) -> TableScorer:
    """``score``, which also adds copies of its first SAMPLED_USERS rows to ``kept``."""

    def recorded(users: Users) -> Table:
        table = score(users)
        missing = SAMPLED_USERS - sum(map(len, kept))
        if missing > 0:
            kept.append(table[:missing].astype(np.float32))
        return table

    return recorded


__all__ = ["FULL_RANKING", "RankingOutcomes", "ranking_outcomes"]
