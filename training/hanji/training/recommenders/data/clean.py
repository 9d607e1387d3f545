"""Cleaning: maps ids to indices, drops duplicates, low ratings, and users and items with few interactions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.interactions import Interactions
from hanji.training.recommenders.data.raw import Ids, RawRatings

Index = NDArray[np.int32]


@dataclass(frozen=True)
class Cleaned:
    """The remaining interactions, and counts of what was dropped.

    `user_ids` and `item_ids` are sorted; `interactions` are indices into them, in file order.
    """

    user_ids: Ids
    item_ids: Ids
    interactions: Interactions
    duplicates: int
    below_minimum_rating: int
    users_dropped: int
    items_dropped: int
    interactions_dropped: int


def clean(raw: RawRatings, config: DataConfig) -> Cleaned:
    """Apply the rules of the config; DataError if fewer than two users or items remain."""
    user_ids, users = index_ids(raw.users)
    item_ids, items = index_ids(raw.items)
    latest = _latest_of_each_pair(users, items, raw.timestamps)
    rated = latest & _rated_enough(raw.ratings, config.minimum_rating)
    kept = _frequent(users, items, rated, config)
    user_ids, users, users_dropped = _compact(user_ids, users, rated, kept)
    item_ids, items, items_dropped = _compact(item_ids, items, rated, kept)
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


def index_ids(ids: Ids) -> tuple[Ids, Index]:
    """The distinct ids, sorted, and the position of each of `ids` among them."""
    if ids.dtype != object:
        distinct, positions = np.unique(ids, return_inverse=True)
        return distinct, positions.astype(np.int32)
    texts = sorted(set(ids.tolist()))
    position = {text: index for index, text in enumerate(texts)}
    indices = np.fromiter((position[text] for text in ids.tolist()), dtype=np.int32, count=len(ids))
    return np.array(texts, dtype=object), indices


def _latest_of_each_pair(
    users: Index, items: Index, timestamps: NDArray[np.int64] | None
) -> NDArray[np.bool_]:
    """True for the latest interaction of each pair; the last line if times are equal or missing."""
    pairs = users.astype(np.int64) << 32 | items
    order = np.lexsort((pairs,) if timestamps is None else (timestamps, pairs))
    last = np.ones(len(pairs), dtype=np.bool_)
    last[:-1] = pairs[order[1:]] != pairs[order[:-1]]
    latest = np.zeros(len(pairs), dtype=np.bool_)
    latest[order[last]] = True
    return latest


def _rated_enough(ratings: NDArray[np.float64] | None, minimum: float | None) -> NDArray[np.bool_] | np.bool_:
    if minimum is None:
        return np.True_
    if ratings is None:
        raise DataError("minimum_rating: the data has no rating column; remove minimum_rating")
    return np.asarray(ratings >= minimum)


def _frequent(users: Index, items: Index, kept: NDArray[np.bool_], config: DataConfig) -> NDArray[np.bool_]:
    """The interactions among `kept` whose users and items all reach the minimums."""
    while True:
        per_user = np.bincount(users[kept], minlength=users.max() + 1)
        per_item = np.bincount(items[kept], minlength=items.max() + 1)
        enough_user = per_user >= config.minimum_user_interactions
        enough_item = per_item >= config.minimum_item_interactions
        frequent = kept & enough_user[users] & enough_item[items]
        if frequent.sum() == kept.sum():
            return frequent
        kept = frequent


def _compact(
    ids: Ids, positions: Index, before: NDArray[np.bool_], kept: NDArray[np.bool_]
) -> tuple[Ids, Index, int]:
    """The ids and positions of kept interactions, and the number of ids of `before` that were dropped."""
    remaining, compacted = np.unique(positions[kept], return_inverse=True)
    dropped = len(np.unique(positions[before])) - len(remaining)
    return ids[remaining], compacted.astype(np.int32), dropped


def _times(timestamps: NDArray[np.int64] | None, kept: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """The times of kept interactions; None if they are all equal, as they do not define an order."""
    if timestamps is None:
        return None
    times = timestamps[kept]
    return times if times.min() < times.max() else None


def _at_least_two(count: int, what: str, config: DataConfig) -> None:
    if count < 2:
        raise DataError(
            f"{config.name}: expected at least two {what}s to learn from, found {count} after cleaning; "
            f"check the {what} column and the delimiter, or lower minimum_rating and the minimum interactions"
        )
