"""Negative sampling: items without an interaction of the user, drawn without rejection.

The free items of a user with n interactions are numbered 0 … items - n - 1 in catalogue order. A random
number in that range is mapped to an item by skipping the user's own items below it, which a single search in
a sorted array finds for all draws at once. No draw is rejected and repeated, so a user with few free items
costs no more than others, and one with none is an error rather than an endless loop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.recommenders.data.interactions import Interactions

BLOCK = 1 << 16
"""Users whose items are sampled at once, to limit the memory."""


def sample_negatives(
    interactions: Interactions,
    items: int,
    users: NDArray[np.int32],
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.int32]:
    """`count` different items without an interaction for each of `users` int32[n]: int32[n, count].

    The catalogue has `items` items. DataError if one of the users has fewer free items than that.
    """
    sampled = [np.empty((0, count), np.int32)]
    for start in range(0, len(users), BLOCK):
        block = users[start : start + BLOCK]
        own = (interactions.users >= block.min()) & (interactions.users <= block.max())
        sampler = NegativeSampler(interactions if own.all() else interactions.take(own), items)
        sampled.append(sampler.sample_distinct(block, count, rng))
    return np.concatenate(sampled)


class NegativeSampler:
    """Draws items uniformly from those that are not among a user's interactions."""

    def __init__(self, train: Interactions, items: int) -> None:
        """Index `train` over a catalogue of `items` items; duplicates of a pair count once."""
        self._items = items
        own = np.unique(train.users.astype(np.int64) * items + train.items)
        users = own // items
        highest = int(users[-1]) if len(users) else -1
        self._first = np.searchsorted(users, np.arange(highest + 2))
        # Within one user, own item minus its rank = number of free items below it. Adding the user's offset
        # keeps the whole array sorted, as a user's values stay in 0 … items - 1.
        self._free_below = own - (np.arange(len(own)) - self._first[users])

    def have_free_items(self, users: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether each of `users` int32[n] lacks at least one item: bool[n]."""
        return np.asarray(self._own(users)[1] < self._items)

    def sample(self, users: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int32]:
        """One item for each of `users` int32[n]: int32[n], with replacement.

        Raises DataError if one of them has every item.
        """
        return self._items_at(users, rng.integers(0, self._free(users, needed=1)))

    def sample_distinct(
        self, users: NDArray[np.int32], count: int, rng: np.random.Generator
    ) -> NDArray[np.int32]:
        """`count` different items for each of `users` int32[n]: int32[n, count], every set equally likely.

        Raises DataError if one of them has fewer free items than that.
        """
        free = self._free(users, needed=count)
        numbers = np.empty((len(users), count), dtype=np.int64)
        # Floyd's algorithm, one step for all users: a repeated draw is replaced by the newest in range.
        for step in range(count):
            newest = free - count + step
            drawn = rng.integers(0, newest + 1)
            taken = (numbers[:, :step] == drawn[:, None]).any(axis=1)
            numbers[:, step] = np.where(taken, newest, drawn)
        return self._items_at(np.repeat(users, count), numbers.ravel()).reshape(len(users), count)

    def _own(self, users: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Start and number of the users' own items in the sorted array."""
        known = np.minimum(users, len(self._first) - 1)  # users beyond the training data have no items
        first = self._first[known]
        after = self._first[np.minimum(known + 1, len(self._first) - 1)]
        return first, after - first

    def _free(self, users: NDArray[np.int32], *, needed: int) -> NDArray[np.int64]:
        own = self._own(users)[1]
        free = self._items - own
        if len(free) and int(free.min()) < needed:
            worst = int(free.argmin())
            raise DataError(
                f"the user with index {users[worst]} has {own[worst]:,} of the catalogue's {self._items:,} "
                f"items, which leaves {free[worst]:,} to sample negatives from, but {needed} are needed; use "
                f"a catalogue of at least {own[worst] + needed:,} items, or drop that user"
            )
        return free

    def _items_at(self, users: NDArray[np.int32], numbers: NDArray[np.int64]) -> NDArray[np.int32]:
        keys = users.astype(np.int64) * self._items + numbers
        skipped = np.searchsorted(self._free_below, keys, side="right") - self._own(users)[0]
        return (numbers + skipped).astype(np.int32)
