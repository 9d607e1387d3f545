"""What a bundle answered to each user or picture of a test: all metrics and comparisons are made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hanji.export.evaluate import bundle_scorer
from hanji.export.images.evaluate import classes_of
from hanji.runtime import Classifier, Recommender
from hanji.training import metrics
from hanji.training.data import Dataset
from hanji.training.evaluation import K, genre_features, items_by_user
from hanji.training.fitting_data import fitting_data
from hanji.training.images.data import ImageDataset
from hanji.training.images.metrics import metrics_of

Part = Literal["test", "validation"]
Values = NDArray[np.float64]

SAMPLED_USERS = 200
"""So many users' scores of the whole catalogue are kept, for rank correlations."""


@dataclass(frozen=True)
class PictureOutcomes:
    """Of a classifier: ``probabilities`` float32 [n, classes] and ``labels`` int32 [n]."""

    probabilities: NDArray[np.float32]
    labels: NDArray[np.int32]

    @property
    def samples(self) -> NDArray[np.int32]:
        """What was asked, to tell whether two outcomes are of the same pictures: int32 [n]."""
        return self.labels

    def metrics(self) -> dict[str, float]:
        """Top-1, its mean over the classes, negative log-likelihood and calibration error."""
        return metrics_of(self.probabilities, self.labels)

    def each(self, metric: str) -> NDArray[np.float64]:
        """One value a picture, float64 [n], whose mean is ``metric``: "top1"."""
        if metric == "macro_top1":
            counts = np.bincount(self.labels)
            share = len(self.labels) / (np.count_nonzero(counts) * counts[self.labels])
            return self.each("top1") * share
        right: Values = (self.probabilities.argmax(axis=1) == self.labels).astype(np.float64)
        return right

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As they are kept on disk."""
        return {"probabilities": self.probabilities, "labels": self.labels}


@dataclass(frozen=True)
class RankingOutcomes:
    """Of a recommender, one row a user with a held-out item.

    ``ranks`` int64 [users]: 0-based, of the held-out item among its candidates. ``top`` int32 [users, k]:
    the best of the whole catalogue without what was met in training. ``items`` int32 [users]: the held-out
    ones. ``scores`` float32 [sampled users, items]. ``diversity``: of the lists by their genres, NaN
    without genres.
    """

    ranks: NDArray[np.int64]
    top: NDArray[np.int32]
    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    diversity: float

    @property
    def samples(self) -> NDArray[np.int32]:
        """What was asked, to tell whether two outcomes are of the same users: int32 [users]."""
        return self.items

    def metrics(self) -> dict[str, float]:
        """HR@10 and NDCG@10 among the candidates, Precision@10 over the catalogue, diversity where known."""
        found = {
            "hr_at_10": metrics.hit_ratio(self.ranks, K),
            "ndcg_at_10": metrics.ndcg(self.ranks, K),
            "precision_at_10": metrics.precision(self.top, self.items),
        }
        return found if np.isnan(self.diversity) else {**found, "diversity_at_10": self.diversity}

    def each(self, metric: str) -> NDArray[np.float64]:
        """One value a user, float64 [users], whose mean is ``metric``: a hit ratio, NDCG or precision."""
        if metric == "precision_at_10":
            found: Values = (self.top == self.items[:, None]).mean(axis=1)
            return found
        hits = self.ranks < K
        if metric == "hr_at_10":
            return hits.astype(np.float64)
        return np.where(hits, 1.0 / np.log2(self.ranks + 2.0), 0.0)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As they are kept on disk."""
        kept: dict[str, NDArray[Any]] = {"ranks": self.ranks, "top": self.top, "items": self.items}
        return {**kept, "scores": self.scores, "diversity": np.array(self.diversity)}


Outcomes = PictureOutcomes | RankingOutcomes


def outcomes_of(
    bundle: Path, dataset: Dataset | ImageDataset, *, engine: str, part: Part = "test", seed: int = 0
) -> Outcomes:
    """Ask ``bundle`` in ``engine`` about every user or picture of one part of its data.

    ``seed`` is that of the training, by which a recommender's validation items were held out. Raises
    DataError if the bundle does not know what the data holds.
    """
    if isinstance(dataset, ImageDataset):
        return _of_pictures(bundle, dataset, engine, part)
    return _of_rankings(bundle, dataset if part == "test" else _validation(dataset, seed), engine)


def save_outcomes(outcomes: Outcomes, path: Path) -> None:
    """Plain arrays in a NumPy archive; nothing is pickled."""
    aside = path.with_suffix(".tmp.npz")
    np.savez_compressed(aside, allow_pickle=False, **outcomes.arrays())
    aside.replace(path)


def load_outcomes(path: Path) -> Outcomes:
    """What ``save_outcomes`` wrote."""
    with np.load(path, allow_pickle=False) as file:
        found = dict(file)
    if "labels" in found:
        return PictureOutcomes(found["probabilities"], found["labels"])
    diversity = float(found.pop("diversity"))
    return RankingOutcomes(**found, diversity=diversity)


def _of_pictures(bundle: Path, dataset: ImageDataset, engine: str, part: Part) -> PictureOutcomes:
    pictures = dataset.test if part == "test" else dataset.validation
    with Classifier.open(bundle, engine=engine) as classifier:
        classes = classes_of(dataset, classifier)
        found = np.stack([classifier.probabilities(image) for image in pictures.images])
    return PictureOutcomes(found, classes[pictures.labels])


def _validation(dataset: Dataset, seed: int) -> Dataset:
    """The data as training saw it: without the validation items, which are what is asked for."""
    held_out = fitting_data(dataset, seed)
    return replace(dataset, train=held_out.train, test=held_out.validation)


def _of_rankings(bundle: Path, dataset: Dataset, engine: str) -> RankingOutcomes:
    test, k = dataset.test, min(K, dataset.catalogue.items)
    seen = items_by_user(dataset.train, dataset.catalogue.users)
    candidates = np.concatenate([test.items[:, None], test.negatives], axis=1)
    ranked = np.empty(candidates.shape, np.float32)
    top = np.empty((len(test), k), np.int32)
    kept: list[NDArray[np.float32]] = []
    with Recommender.open(bundle, engine=engine) as recommender:
        score = bundle_scorer(recommender, dataset)
        for row, user in enumerate(test.users.tolist()):
            scores = score(user)
            ranked[row] = scores[candidates[row]]
            if row < SAMPLED_USERS:
                kept.append(scores.copy())
            top[row] = _unseen_best(scores, seen[user], k)
    features = genre_features(dataset.catalogue)
    diversity = metrics.intra_list_diversity(top, features) if features.any() else float("nan")
    ranks = metrics.positive_ranks(ranked, candidates)
    return RankingOutcomes(ranks, top, test.items, np.stack(kept).astype(np.float32), diversity)


def _unseen_best(scores: NDArray[np.float32], seen: NDArray[np.int32], k: int) -> NDArray[np.int32]:
    own = scores.copy()
    own[seen] = -np.inf
    return np.argsort(-own, kind="stable")[:k].astype(np.int32)


__all__ = ["Outcomes", "PictureOutcomes", "RankingOutcomes", "load_outcomes", "outcomes_of", "save_outcomes"]
