"""Reference models that score some items of a large catalogue, and standardization without the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import ThreadpoolController

from hanji.training.progress import progress
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.ease import Ease
from hanji.training.recommenders.baselines.histories import Histories, Scores
from hanji.training.recommenders.tables import SubsetScorer, Users, batches_of

Items = NDArray[np.int32]

SubsetModel = Callable[[Histories], SubsetScorer]
"""Histories to the scores of their users at any items."""

_HALF = 8_192  # items of a CatalogueSample that are popular, and as many that are random
_USERS = 256  # scored at once
_MANY = 4  # where more than a fourth of the columns are wanted, the product with all of them is faster


def als_subsets(model: Als) -> SubsetModel:
    """ALS, which folds in each history once."""

    def scorer(histories: Histories) -> SubsetScorer:
        users = model.fold_in(histories)

        def scores(rows: Users, wanted: Items) -> Scores:
            factors = model.items.take(wanted, axis=0)
            with _one_blas_thread():
                found: Scores = users[rows] @ factors.T
            return found

        return scores

    return scorer


def ease_subsets(model: Ease, items: int) -> SubsetModel:
    """EASE of a catalogue of ``items``; those without weights score 0."""
    position = np.full(items, -1, np.int64)
    position[model.items] = np.arange(len(model.items))

    def scorer(histories: Histories) -> SubsetScorer:
        known = sparse.csr_matrix(histories[:, model.items])

        def scores(users: Users, wanted: Items) -> Scores:
            columns = position[wanted]
            weighted = columns >= 0
            found = np.zeros((len(users), len(wanted)), np.float32)
            found[:, weighted] = _product(known[users], model.weights, columns[weighted])
            return found

        return scores

    return scorer


@dataclass(frozen=True)
class CatalogueSample:
    """Items that represent a catalogue: the popular ones, where high scores are, and random others.

    ``shares`` float32 [items]: the fraction of the catalogue that each of ``items`` int32 [items] stands for.
    """

    items: Items
    shares: Scores

    @classmethod
    def of(cls, counts: NDArray[np.integer], *, seed: int) -> CatalogueSample:
        """A sample of a catalogue, of which ``counts`` [items] have the popularity; of a small one, all."""
        order = np.argsort(-counts, kind="stable").astype(np.int32)
        popular, others = order[:_HALF], order[_HALF:]
        chosen = np.random.default_rng([seed, 5]).permutation(others)[:_HALF]
        shares = np.ones(len(popular) + len(chosen), np.float32)
        shares[len(popular) :] = len(others) / max(len(chosen), 1)
        return cls(np.concatenate([popular, chosen]), shares / np.float32(len(order)))


@dataclass(frozen=True)
class Moments:
    """Of each user's scores by several models over the catalogue.

    ``means`` float32 [users, models] and ``covariances`` float32 [users, models, models], estimated from a
    sample of the items.
    """

    means: Scores
    covariances: Scores

    @classmethod
    def of(cls, scorers: Sequence[SubsetScorer], users: int, sample: CatalogueSample) -> Moments:
        """The moments of ``scorers`` for the users 0 … ``users``."""
        count = len(scorers)
        means = np.empty((users, count), np.float32)
        covariances = np.empty((users, count, count), np.float32)
        batches = list(batches_of(users, _USERS))
        with progress("Standardization") as task:
            task.expect(len(batches))
            for batch in batches:
                rows = np.arange(batch.start, batch.stop)
                tables = np.stack([score(rows, sample.items) for score in scorers])
                with _one_blas_thread():
                    means[batch] = (tables @ sample.shares).T
                tables -= means[batch].T[:, :, None]
                tables *= np.sqrt(sample.shares)
                for one, other in combinations_with_replacement(range(count), 2):
                    products = np.einsum("ui,ui->u", tables[one], tables[other])
                    covariances[batch, one, other] = covariances[batch, other, one] = products
                task.advance()
        return cls(means, covariances)

    @property
    def deviations(self) -> Scores:
        """The standard deviations float32 [users, models]."""
        variances = np.einsum("ukk->uk", self.covariances)
        return np.asarray(np.maximum(np.sqrt(np.maximum(variances, 0.0)), 1e-9), np.float32)


def weighted_sum(scorers: Sequence[SubsetScorer], weights: Sequence[float], moments: Moments) -> SubsetScorer:
    """The weighted sum float32 [users, items] of the standardized scores, standardized again."""
    factors = np.asarray(weights, np.float32) / moments.deviations
    variances = np.einsum("uk,ukl,ul->u", factors, moments.covariances, factors)
    factors /= np.maximum(np.sqrt(np.maximum(variances, 0.0)), np.float32(1e-9))[:, None]
    means = (factors * moments.means).sum(axis=1)
    used = [index for index, weight in enumerate(weights) if weight > 0.0]

    def scores(users: Users, items: Items) -> Scores:
        total = np.repeat(-means[users, None], len(items), axis=1)
        for index in used:
            total += factors[users, index, None] * scorers[index](users, items)
        return total

    return scores


def _one_blas_thread() -> AbstractContextManager[object]:
    """Products of a few users are small: threads within one would mostly wait for one another."""
    limit: AbstractContextManager[object] = _threads().limit(limits=1, user_api="blas")
    return limit


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()  # looks for the libraries once, which takes a millisecond


def _product(histories: Histories, weights: Scores, columns: NDArray[np.int64]) -> Scores:
    """``histories`` times some ``columns`` of the ``weights``, of which few rows occur in the histories."""
    if _MANY * len(columns) > weights.shape[1]:
        return np.asarray((histories @ weights).take(columns, axis=1), np.float32)
    rows, place = np.unique(histories.indices, return_inverse=True)
    few = sparse.csr_matrix((histories.data, place, histories.indptr), (histories.shape[0], len(rows)))
    return np.asarray(few @ weights[np.ix_(rows, columns)], np.float32)


__all__ = [
    "CatalogueSample",
    "Moments",
    "SubsetModel",
    "als_subsets",
    "ease_subsets",
    "weighted_sum",
]
