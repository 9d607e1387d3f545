"""Leave-one-out: one interaction per user is held out and ranked among 99 items without an interaction.

In a small catalogue there are fewer such items. Then all users have the same lower number of them, so that
their ranks remain comparable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.recommenders.data.config import NEGATIVES, HeldOut
from hanji.training.recommenders.data.interactions import Interactions, LeaveOneOut, counts_of
from hanji.training.recommenders.data.negatives import sample_negatives
from hanji.training.recommenders.data.raw import Ids, RawTest

FEWEST_NEGATIVES = 10
"""With fewer, the top 10 of the candidates would say nothing."""

TESTED = 0.9
"""Fraction of the users that must have enough items to sample negatives from."""


_TOO_FEW_INTERACTIONS = {
    "test": "expected users with at least two interactions, to hold one out for the test, found none",
    "validation": "expected users with at least three interactions, as one is held out for the test and "
    "another to select the best epoch, found none; collect more interactions of each user",
}


_NONE_BEFORE = (
    "expected users with interactions before and after the beginning of the test, found none; hold out more "
    "by data.test_share, or from an earlier moment by data.test_from"
)


@dataclass(frozen=True)
class Split:
    """Training and test set, and the counts of special cases (see QualityReport)."""

    train: Interactions
    test: LeaveOneOut
    users_training_only: int = 0
    users_untested: int = 0
    users_after_training: int = 0
    unseen_returned: int = 0
    unseen_kept: int = 0
    unseen_dropped: int = 0
    test_in_training: int = 0


@dataclass(frozen=True)
class Holdout:
    """Which interactions are held out; see the keys of ``DataConfig``."""

    how: HeldOut = "last"
    count: int = 1
    share: float = 0.1
    start: int | None = None
    """First timestamp that "time" holds out; without it, ``share`` of the interactions."""

    start_text: str = ""
    """The same as people write it."""

    part: Literal["test", "validation"] = "test"
    """What the held-out items are for, in error messages."""

    def __str__(self) -> str:
        if self.start is not None:
            return f"all interactions from {self.start_text} on held out"
        if self.how == "time":
            return f"the last {self.share:.0%} of all interactions held out"
        random = "random " if self.how == "random" else ""
        return f"{random}leave-{'one' if self.count == 1 else self.count}-out"


VALIDATION = Holdout(part="validation")

GIVEN = "the given test interactions"
"""The phrase for a test set that comes with the data but without negatives."""


def leave_out(
    interactions: Interactions,
    user_ids: Ids | Sequence[object],
    items: int,
    seed: int,
    holdout: Holdout | None = None,
    *,
    in_place: bool = False,
) -> Split:
    """Hold out interactions, by default each user's last one, and sample negatives, reproducibly from `seed`.

    The last interaction is determined by time, among equal times by file order; without times it is a random
    one. A user with one interaction stays in training only. A held-out item without any other training
    interaction is returned to training, as no model could rank an item it has never seen; it is dropped if
    the data is split in time.

    There are 99 negatives, or as many as TESTED of the users have free items: items without an interaction.
    A user with fewer stays in training only. With `in_place`, the training set overwrites the arrays of
    `interactions`, which saves as much memory as they need. Raises DataError if no test row remains or the
    negatives would be fewer than FEWEST_NEGATIVES.
    """
    holdout = holdout or Holdout()
    rng = np.random.default_rng([seed, 1])
    counts = counts_of(interactions.users, len(user_ids))
    chosen, late = _chosen_rows(interactions, counts, holdout, rng)
    users_after_training = len(np.unique(interactions.users[late]))
    if not len(chosen):
        raise DataError(_NONE_BEFORE if holdout.how == "time" else _TOO_FEW_INTERACTIONS[holdout.part])
    free = items - counts[interactions.users[chosen]]
    number = _number_of_negatives(free, items)
    untested = len(np.unique(interactions.users[chosen[free < number]]))
    chosen = chosen[free >= number]
    held_out = np.zeros(len(interactions), dtype=np.bool_)
    held_out[chosen] = True
    remaining = counts_of(interactions.items, items, ~(held_out | late))
    unseen = chosen[remaining[interactions.items[chosen]] == 0]
    held_out[unseen] = False
    late[unseen] = holdout.how == "time"  # training must not know what is later
    if not held_out.any():
        raise DataError(
            f"expected items with interactions of several users, to hold some out for the {holdout.part}, "
            f"found none among the last items of {len(chosen):,} users; collect more interactions"
        )
    test = interactions.take(held_out)
    by_user = np.argsort(test.users, kind="stable")
    users, positives = test.users[by_user], test.items[by_user]
    negatives = sample_negatives(interactions, items, users, number, rng)
    kept = ~(held_out | late)
    return Split(
        train=interactions.compressed(kept) if in_place else interactions.take(kept),
        test=LeaveOneOut(users, positives, negatives, str(holdout)),
        users_training_only=int((counts < 2).sum()),
        users_untested=untested,
        users_after_training=users_after_training,
        unseen_returned=0 if holdout.how == "time" else len(unseen),
        unseen_dropped=len(unseen) if holdout.how == "time" else 0,
    )


def _chosen_rows(
    interactions: Interactions, counts: NDArray[np.int64], holdout: Holdout, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The rows to hold out, in the order of the users; and a mask of rows that belong to neither part."""
    if holdout.how == "time":
        return _rows_after(interactions, holdout)
    ordered = interactions.timestamps is not None and holdout.how == "last"
    times = interactions.timestamps if ordered else rng.random(len(interactions))
    rows = _last_rows(interactions.users, np.asarray(times), holdout.count)
    users = interactions.users[rows]
    from_end = np.searchsorted(users, users, side="right") - np.arange(len(users))
    kept = from_end <= np.minimum(holdout.count, counts[users] - 1)  # at least one interaction remains
    return rows[kept], np.zeros(len(interactions), np.bool_)


def no_times() -> DataError:
    """The error for data without times whose split needs them."""
    return DataError(
        'data.split: "time" needs times, and the data has none; set data.timestamp_column, or use "last"'
    )


def _rows_after(interactions: Interactions, holdout: Holdout) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The last rows in time of users with earlier ones, and a mask of those of all other users."""
    times = interactions.timestamps
    if times is None:
        raise no_times()
    if holdout.start is None:
        after = times > np.quantile(times, 1.0 - holdout.share, method="lower")
    else:
        after = times >= holdout.start
    known = counts_of(interactions.users, rows=~after) > 0
    rows = np.flatnonzero(after & known[interactions.users])
    return rows[np.argsort(interactions.users[rows], kind="stable")], after & ~known[interactions.users]


def given_split(train: Interactions, user_ids: Ids, item_ids: Ids, test: RawTest, seed: int) -> Split:
    """The test rows of a benchmark, except those with a user or item that occurs nowhere else.

    `item_ids` and `train` are the results of `with_candidates`; without given negatives, they are sampled
    from `seed` among the items without an interaction in training or test.
    """
    known = np.isin(test.users, user_ids) & np.isin(test.items, item_ids)
    if not known.any():
        raise DataError(
            f"expected test rows with users and items of the training file, found none among {len(known):,}; "
            "check that training and test files belong together"
        )
    users, items = _positions(user_ids, test.users[known]), _positions(item_ids, test.items[known])
    if test.negatives is None:
        rows, untested = _with_negatives(train, users, items, len(item_ids), seed)
    else:
        rows, untested = LeaveOneOut(users, items, _positions(item_ids, test.negatives[known])), 0
    trained = counts_of(train.items, len(item_ids)) > 0
    pairs = train.users.astype(np.int64) * len(item_ids) + train.items
    return Split(
        train=train,
        test=rows,
        users_training_only=len(user_ids) - len(np.unique(rows.users)),
        users_untested=untested,
        unseen_kept=int((~trained[rows.items]).sum()),
        unseen_dropped=int((~known).sum()),
        test_in_training=int(np.isin(rows.users.astype(np.int64) * len(item_ids) + rows.items, pairs).sum()),
    )


def _with_negatives(
    train: Interactions, users: NDArray[np.int32], items: NDArray[np.int32], catalogue: int, seed: int
) -> tuple[LeaveOneOut, int]:
    """Test rows with sampled negatives, and the number of users with too few items to sample them from."""
    both = Interactions(np.concatenate([train.users, users]), np.concatenate([train.items, items]), None)
    free = catalogue - counts_of(both.users)[users]
    number = _number_of_negatives(free, catalogue)
    untested = len(np.unique(users[free < number]))
    users, items = users[free >= number], items[free >= number]
    rng = np.random.default_rng([seed, 1])
    negatives = sample_negatives(both, catalogue, users, number, rng)
    return LeaveOneOut(users, items, negatives, GIVEN), untested


def with_candidates(item_ids: Ids, train: Interactions, test: RawTest) -> tuple[Ids, Interactions]:
    """Extend the item ids with the negatives that training lacks, and reindex `train` accordingly."""
    if test.negatives is None:
        return item_ids, train
    extended = np.union1d(item_ids, test.negatives)
    items = _positions(extended, item_ids)[train.items]
    return extended, Interactions(train.users, items, train.timestamps)


def _positions(sorted_ids: Ids, ids: Ids) -> NDArray[np.int32]:
    return np.searchsorted(sorted_ids, ids).astype(np.int32)


def _last_rows(users: NDArray[np.int32], times: NDArray[Any], count: int) -> NDArray[np.intp]:
    """The last `count` rows of each user, in the order of the users and times."""
    order = None
    if not _is_sorted(users, times):
        order = np.lexsort((times, users))  # stable: equal times stay in file order
        users = users[order]
    last = np.append(users[count:] != users[:-count], np.ones(min(count, len(users)), np.bool_))
    rows = np.flatnonzero(last)
    return rows if order is None else np.asarray(order[rows])


def _is_sorted(users: NDArray[np.int32], times: NDArray[Any]) -> bool:
    """Whether rows are sorted by user, then by time, as those of files are: no need to sort them again."""
    return bool(((users[1:] > users[:-1]) | ((users[1:] == users[:-1]) & (times[1:] >= times[:-1]))).all())


def _number_of_negatives(free: NDArray[np.int64], items: int) -> int:
    """The number of negatives for users with ``free`` int64[n] items to sample them from."""
    enough = math.ceil(TESTED * len(free))
    number = min(NEGATIVES, int(np.sort(free)[-enough]))
    if number < FEWEST_NEGATIVES:
        raise DataError(
            f"expected at least {FEWEST_NEGATIVES} items without an interaction for {TESTED:.0%} of the "
            f"users, among which a held-out item is ranked, found {max(number, 0)} in a catalogue of "
            f"{items:,} items; add items, or remove users with nearly all items"
        )
    return number
