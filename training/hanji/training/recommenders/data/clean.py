"""Cleaning: drops duplicates, low ratings, and users and items with few interactions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.interactions import BLOCK, Interactions, compressed, counts_of
from hanji.training.recommenders.data.raw import Coded, Ids

Index = NDArray[np.int32]


@dataclass(frozen=True)
class Cleaned:
    """The remaining interactions, and counts of what was dropped.

    `user_ids` and `item_ids` are sorted; `interactions` are indices into them, in the order of the data.
    """

    user_ids: Ids
    item_ids: Ids
    interactions: Interactions
    duplicates: int
    below_minimum_rating: int
    users_dropped: int
    items_dropped: int
    interactions_dropped: int


def clean(raw: Coded, config: DataConfig) -> Cleaned:
    """Apply the rules of the config; DataError if fewer than two users or items remain.

    The arrays of `raw` are reused for the result.
    """
    users, items = raw.users, raw.items
    latest = _latest_of_each_pair(users, items)
    rated = latest & _rated_enough(raw.ratings, config.minimum_rating)
    kept = _frequent(users, items, rated, config)
    user_ids, users, users_dropped = _compact(raw.user_ids, users, rated, kept)
    item_ids, items, items_dropped = _compact(raw.item_ids, items, rated, kept)
    _at_least_two(len(user_ids), "user", config)
    _at_least_two(len(item_ids), "item", config)
    return Cleaned(
        user_ids=user_ids,
        item_ids=item_ids,
        interactions=Interactions(users, items, _times(raw.timestamps, kept)),
        duplicates=len(latest) - int(latest.sum()),
        below_minimum_rating=int(latest.sum() - rated.sum()),
        users_dropped=users_dropped,
        items_dropped=items_dropped,
        interactions_dropped=int(rated.sum() - kept.sum()),
    )


def latest_rated(raw: Coded, minimum_rating: float | None) -> NDArray[np.bool_]:
    """True for the latest of the equal pairs, if it is rated high enough; bool [n]."""
    return _latest_of_each_pair(raw.users, raw.items) & _rated_enough(raw.ratings, minimum_rating)


def _latest_of_each_pair(users: Index, items: Index) -> NDArray[np.bool_]:
    """True for the last of the equal pairs: the latest, as interactions are sorted by user and time."""
    latest = np.zeros(len(users), dtype=np.bool_)
    for block in _blocks_of_users(users):
        pairs = users[block].astype(np.int64) << 32 | items[block]
        order = np.argsort(pairs, kind="stable")
        last = np.append(pairs[order[1:]] != pairs[order[:-1]], True)
        latest[block.start + order[last]] = True
    return latest


def _blocks_of_users(users: Index) -> Iterator[slice]:
    """Slices of whole users, each of about BLOCK rows."""
    start = 0
    while start < len(users):
        end = min(start + BLOCK, len(users))
        end = int(np.searchsorted(users, users[end - 1], side="right"))
        yield slice(start, end)
        start = end


def _rated_enough(ratings: NDArray[np.float64] | None, minimum: float | None) -> NDArray[np.bool_] | np.bool_:
    if minimum is None:
        return np.True_
    if ratings is None:
        raise DataError("minimum_rating: the data has no rating column; remove minimum_rating")
    return np.asarray(ratings >= minimum)


def _frequent(users: Index, items: Index, kept: NDArray[np.bool_], config: DataConfig) -> NDArray[np.bool_]:
    """The interactions among `kept` whose users and items all reach the minimums."""
    while True:
        enough_user = counts_of(users, rows=kept) >= config.minimum_user_interactions
        enough_item = counts_of(items, rows=kept) >= config.minimum_item_interactions
        frequent = kept & enough_user[users] & enough_item[items]
        if frequent.sum() == kept.sum():
            return frequent
        kept = frequent


def _compact(
    ids: Ids, positions: Index, before: NDArray[np.bool_], kept: NDArray[np.bool_]
) -> tuple[Ids, Index, int]:
    """The ids and positions of kept interactions, and the number of ids of `before` that were dropped."""
    remaining = counts_of(positions, rows=kept) > 0
    dropped = int((counts_of(positions, rows=before) > 0).sum() - remaining.sum())
    compacted = (np.cumsum(remaining) - 1).astype(np.int32)
    positions = compressed(positions, kept)
    if not remaining.all():
        for start in range(0, len(positions), BLOCK):
            positions[start : start + BLOCK] = compacted[positions[start : start + BLOCK]]
    return ids[: len(remaining)][remaining], positions, dropped


def _times(timestamps: NDArray[np.int64] | None, kept: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """The times of kept interactions; None if they are all equal, as they do not define an order."""
    if timestamps is None:
        return None
    times = compressed(timestamps, kept)
    return times if times.min() < times.max() else None


def _at_least_two(count: int, what: str, config: DataConfig) -> None:
    if count < 2:
        raise DataError(
            f"{config.name}: expected at least two {what}s to learn from, found {count} after cleaning; "
            f"check the {what} column and the delimiter, or lower minimum_rating and the minimum interactions"
        )
