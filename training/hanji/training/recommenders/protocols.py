"""Evaluation protocols: the items among which a held-out item is ranked.

``sampled``: the negatives of the data, given with it or sampled when it was split (He et al. 2017).
``uniform``: 100 items that the user did not interact with, sampled uniformly (Kang and McAuley 2018).
``full``: the whole catalogue without the user's training history. Metrics of sampled negatives are not only
higher, they can also order models in another way (Krichene and Rendle 2020).

Items that nobody interacted with (``data.cold_items``) are candidates of none of them. A held-out item that
is also in the user's training history stays a candidate. A tie counts against the positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.recommenders import metrics
from hanji.training.recommenders.data.dataset import Dataset
from hanji.training.recommenders.data.interactions import Interactions, LeaveOneOut, ranked_among
from hanji.training.recommenders.data.negatives import sample_negatives
from hanji.training.recommenders.data.split import FEWEST_NEGATIVES
from hanji.training.recommenders.history_samples import flat_histories
from hanji.training.recommenders.tables import PairScorer, Table

SAMPLED, UNIFORM, FULL = PROTOCOLS = ("sampled", "uniform", "full")

REPORTED = (SAMPLED, FULL)
"""The protocols of the metrics that models, bundles and studies are reported with."""

UNIFORM_NEGATIVES = 100
"""Negatives of ``uniform``; fewer if one of the users has fewer items without an interaction."""


class Ranking(Protocol):
    """The ranks of held-out items under one protocol, from one batch of users after another."""

    phrase: str
    """The protocol as a phrase."""

    def add(self, rows: slice, table: Table, seen: NDArray[np.int32]) -> None:
        """Take what is needed from the scores of the whole catalogue of these test rows.

        ``table`` float32 [rows, items]; ``seen`` int32 [n, 2] has each (row of the table, item) of the
        training histories once.
        """
        ...

    @property
    def ranks(self) -> NDArray[np.int64]:
        """0-based rank of the held-out item of each test row; ValueError for scores that are not finite."""
        ...


class CandidateRanking:
    """Ranks among the negatives of a test set."""

    def __init__(self, test: LeaveOneOut, phrase: str) -> None:
        self.phrase = phrase
        self._candidates = candidates_of(test)
        self._scores = np.empty(self._candidates.shape, np.float32)

    def add(self, rows: slice, table: Table, seen: NDArray[np.int32]) -> None:
        """See Ranking."""
        self._scores[rows] = np.take_along_axis(table, self._candidates[rows], axis=1)

    @property
    def ranks(self) -> NDArray[np.int64]:
        """See Ranking."""
        return metrics.positive_ranks(self._scores, self._candidates)


class FullRanking:
    """Ranks among all ``items`` of the catalogue without those of the training history."""

    def __init__(self, test: LeaveOneOut, items: int) -> None:
        self.phrase = full_protocol(items, test.split)
        self.unseen = np.empty(len(test), np.int64)
        """Number of items outside the training history of each row's user."""
        self._items, self._positives = items, test.items
        self._ranks = np.empty(len(test), np.int64)

    def add(self, rows: slice, table: Table, seen: NDArray[np.int32]) -> None:
        """See Ranking."""
        self._ranks[rows] = metrics.ranks_among_unseen(table, self._positives[rows], seen)
        self.unseen[rows] = self._items - np.bincount(seen[:, 0], minlength=len(table))

    @property
    def ranks(self) -> NDArray[np.int64]:
        """See Ranking."""
        return self._ranks


def rankings_of(protocols: Sequence[str], test: LeaveOneOut, dataset: Dataset) -> dict[str, Ranking]:
    """An empty ranking of the rows ``test`` of ``dataset`` for each protocol, by name.

    Raises ValueError for an unknown protocol, DataError if a user has too few items for ``uniform``.
    """
    return {name: _ranking(name, test, dataset) for name in protocols}


def full_protocol(items: int, split: str) -> str:
    """The protocol ``full`` for a catalogue of ``items``, as a phrase."""
    return ranked_among(f"all {items:,} items without those of the user's training history", split)


def candidates_of(test: LeaveOneOut) -> NDArray[np.int32]:
    """The held-out item and then the negatives of each row, int32 [users, 1 + negatives]."""
    return np.concatenate([test.items[:, None], test.negatives], axis=1)


def scores_of_candidates(score: PairScorer, test: LeaveOneOut) -> Table:
    """The scores of ``candidates_of``, float32 [users, 1 + negatives]."""
    candidates = candidates_of(test)
    users = np.repeat(test.users, candidates.shape[1])
    return score(users, candidates.ravel()).reshape(candidates.shape)


def with_uniform_negatives(test: LeaveOneOut, dataset: Dataset) -> LeaveOneOut:
    """The rows ``test`` of ``dataset`` with UNIFORM_NEGATIVES uniformly sampled items, always the same.

    They are different items that the user did not interact with, neither in training nor in the test set. If
    a user has fewer, all rows have as many as that user, so that ranks are comparable; DataError if those are
    fewer than FEWEST_NEGATIVES.
    """
    items = dataset.catalogue.items
    own = _interactions_of(test.users, dataset)
    histories = flat_histories(own, dataset.catalogue.users)
    fewest = items - int(np.diff(histories.bounds)[test.users].max())
    count = min(UNIFORM_NEGATIVES, fewest)
    if count < FEWEST_NEGATIVES:
        raise DataError(
            f"the protocol {UNIFORM!r} needs at least {FEWEST_NEGATIVES} items without an interaction for "
            f"each user, found a user with {fewest} in a catalogue of {items:,} items; use {FULL!r}"
        )
    rng = np.random.default_rng([dataset.config.seed, 6])
    return replace(test, negatives=sample_negatives(own, items, test.users, count, rng))


def _ranking(name: str, test: LeaveOneOut, dataset: Dataset) -> Ranking:
    if name == SAMPLED:
        return CandidateRanking(test, test.protocol)
    if name == UNIFORM:
        uniform = with_uniform_negatives(test, dataset)
        count = uniform.negatives.shape[1]
        return CandidateRanking(uniform, ranked_among(f"{count} uniformly sampled negatives", test.split))
    if name == FULL:
        return FullRanking(test, dataset.catalogue.items)
    raise ValueError(f"protocol: expected one of {', '.join(PROTOCOLS)}, found {name!r}")


def _interactions_of(users: NDArray[np.int32], dataset: Dataset) -> Interactions:
    """The interactions of these users in training and test, without times."""
    chosen = np.zeros(dataset.catalogue.users, np.bool_)
    chosen[users] = True
    parts = [(part, chosen[part.users]) for part in (dataset.train, dataset.test)]
    return Interactions(
        np.concatenate([part.users[rows] for part, rows in parts]),
        np.concatenate([part.items[rows] for part, rows in parts]),
        None,
    )


__all__ = [
    "FULL",
    "PROTOCOLS",
    "REPORTED",
    "SAMPLED",
    "UNIFORM",
    "CandidateRanking",
    "FullRanking",
    "Ranking",
    "candidates_of",
    "full_protocol",
    "rankings_of",
    "scores_of_candidates",
    "with_uniform_negatives",
]
