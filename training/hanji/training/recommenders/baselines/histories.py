"""Histories as sparse rows, and the interface of all reference models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hanji.training.recommenders.data import Dataset, Interactions
from hanji.training.recommenders.evaluation import evaluate
from hanji.training.recommenders.history_samples import flat_histories
from hanji.training.recommenders.tables import TableScorer, batches_of, computed_once

Histories: TypeAlias = sparse.csr_matrix
"""float32 [users, items], 1 where a user interacted with an item."""

Scores: TypeAlias = NDArray[np.float32]


ScoresOf = Callable[[Histories], Scores]
"""Histories [users, items] to scores of the same shape."""

_ROWS = 64  # standardized at a time, so that they stay in the cache


class ReferenceModel(Protocol):
    """A model that maps histories to scores."""

    def scores(self, histories: Histories) -> Scores:
        """float32 [users, items] for ``histories`` [users, items], including the items of the history."""


def histories_of(train: Interactions, *, users: int, items: int) -> Histories:
    """Each user's interactions as a row, in time order; repeated pairs count once."""
    flat = flat_histories(train, users)
    ones = np.ones(len(flat.items), np.float32)
    return sparse.csr_matrix((ones, flat.items, flat.bounds), (users, items))


def standardized(scores: Scores) -> Scores:
    """Scores standardized per user to mean 0 and deviation 1, so that several models' scores can be added."""
    result = np.array(scores, np.float32)
    standardize(result)
    return result


def standardize(scores: Scores) -> None:
    """``standardized`` in place."""
    for rows in batches_of(len(scores), _ROWS):
        part = scores[rows]
        mean, deviation = part.mean(axis=1, keepdims=True), part.std(axis=1, keepdims=True)
        part -= mean
        part /= np.maximum(deviation, 1e-9)


def tables_of(scores: ScoresOf, histories: Histories) -> TableScorer:
    """The scores of the users of ``histories``; computed once if all of them fit into one batch."""
    return computed_once(lambda users: scores(histories[users]), *histories.shape)


def evaluate_scores(scores: ScoresOf, dataset: Dataset) -> dict[str, float]:
    """All test metrics of a function from histories to scores, applied to the training interactions."""
    users, items = dataset.catalogue.users, dataset.catalogue.items
    return evaluate(tables_of(scores, histories_of(dataset.train, users=users, items=items)), dataset)
