"""Training epochs of history models: histories in random order, with a part of each held back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.recommenders.data.interactions import Interactions
from hanji.training.recommenders.tables import TableScorer, Users


@dataclass(frozen=True)
class FlatHistories:
    """The concatenated items of all users, each oldest first if there are times: int32 [n].

    Those of user u are from ``bounds[u]`` to ``bounds[u + 1]`` (int64 [users + 1]).
    """

    items: NDArray[np.int32]
    bounds: NDArray[np.int64]

    def of(self, user: int) -> NDArray[np.int32]:
        """One user's items."""
        return self.items[self.bounds[user] : self.bounds[user + 1]]

    def pairs(self, users: NDArray[np.int64]) -> NDArray[np.int32]:
        """(position in ``users``, item) for all items of these users, int32 [n, 2]."""
        lengths = self.bounds[users + 1] - self.bounds[users]
        positions = np.repeat(np.arange(len(users)), lengths)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        items = self.items[np.repeat(self.bounds[users], lengths) + within]
        return np.stack([positions, items], axis=1).astype(np.int32)


def flat_histories(train: Interactions, users: int) -> FlatHistories:
    """The histories in ``train``, each item once (its first occurrence), in time order if there are times."""
    times = np.zeros(len(train), np.int64) if train.timestamps is None else train.timestamps
    order = np.lexsort((times, train.users))
    user, item = train.users[order].astype(np.int64), train.items[order]
    _, first = np.unique(user * (int(item.max(initial=0)) + 1) + item, return_index=True)
    first.sort()
    bounds = np.concatenate([[0], np.cumsum(np.bincount(user[first], minlength=users))])
    return FlatHistories(item[first].astype(np.int32), bounds.astype(np.int64))


@dataclass(frozen=True)
class HistoryEpoch:
    """One pass over the users with a history, in ``order``."""

    histories: FlatHistories
    order: NDArray[np.int64]
    held_back: float
    rng: np.random.Generator
    teacher: TableScorer | None = field(default=None, repr=False)

    def steps(self, batch_size: int) -> int:
        """Number of batches of ``batch_size`` users; an incomplete last batch is dropped."""
        return max(len(self.order) // batch_size, 1)

    def batches(self, batch_size: int) -> Iterator[tuple[Any, ...]]:
        """(kept, held) pairs int32 [n, 2], the number of users and, with a teacher, its rows."""
        for users, kept, held in self.parts(batch_size):
            batch = (kept, held, np.int32(len(users)))
            yield batch if self.teacher is None else (*batch, self.teacher(users))

    def parts(self, batch_size: int) -> Iterator[tuple[Users, NDArray[np.int32], NDArray[np.int32]]]:
        """The users of each batch, and its (kept, held) pairs int32 [n, 2]: position in ``users``, item."""
        for step in range(self.steps(batch_size)):
            users = self.order[step * batch_size : (step + 1) * batch_size]
            pairs = self.histories.pairs(users)
            # The fraction differs per user, so that the model sees both short and nearly complete histories.
            shares = self.rng.uniform(0.0, 2.0 * self.held_back, len(users))
            held = self.rng.random(len(pairs)) < shares[pairs[:, 0]]
            yield users, pairs[~held], pairs[held]


HistorySource = Callable[[np.random.Generator], HistoryEpoch]
"""Draws the order of one epoch."""


def held_back_histories(
    train: Interactions,
    users: int,
    *,
    held_back: float,
    teacher: TableScorer | None = None,
) -> HistorySource:
    """Every user once per epoch; on average, the fraction ``held_back`` of each history is the target.

    ``teacher`` maps users to a teacher's scores [users, items].
    """
    histories = flat_histories(train, users)
    with_history = np.flatnonzero(np.diff(histories.bounds))

    def draw(rng: np.random.Generator) -> HistoryEpoch:
        return HistoryEpoch(histories, rng.permutation(with_history), held_back, rng, teacher)

    return draw


__all__ = ["FlatHistories", "HistoryEpoch", "HistorySource", "flat_histories", "held_back_histories"]
