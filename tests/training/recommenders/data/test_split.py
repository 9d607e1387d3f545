"""Cleaning and the leave-one-out split."""

from __future__ import annotations

import numpy as np
import pytest

from hanji.training.errors import DataError
from hanji.training.recommenders.data import DataConfig, Interactions
from hanji.training.recommenders.data.clean import clean
from hanji.training.recommenders.data.raw import Coded, coded
from hanji.training.recommenders.data.split import VALIDATION, Holdout, leave_out

ITEMS = 130


def raw(rows: list[tuple[int, int, int]]) -> Coded:
    users, items, times = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return coded(users, items, None, times)


def interactions(rows: list[tuple[int, int, int]], *, times: bool = True) -> Interactions:
    """`rows` plus two users with the first twenty items, so that those items are in training."""
    rows = rows + [(8, item, 50 - item) for item in range(20)] + [(9, item, item) for item in range(20)]
    users, items, stamps = (np.array(column) for column in zip(*rows, strict=True))
    return Interactions(
        users.astype(np.int32), items.astype(np.int32), stamps.astype(np.int64) if times else None
    )


def held_out(data: Interactions, seed: int = 0) -> dict[int, int]:
    split = leave_out(data, list(range(10)), ITEMS, seed)
    return dict(zip(split.test.users.tolist(), split.test.items.tolist(), strict=True))


def test_duplicates_keep_the_latest() -> None:
    cleaned = clean(raw([(1, 1, 50), (1, 1, 10), (2, 1, 5), (2, 2, 5), (2, 2, 5)]), DataConfig())
    assert cleaned.duplicates == 2
    assert cleaned.interactions.users.tolist() == [0, 1, 1]
    assert cleaned.interactions.timestamps is not None
    assert cleaned.interactions.timestamps.tolist() == [50, 5, 5]


def test_minimums_are_applied_until_all_are_met() -> None:
    rows = [(1, 1, 0), (1, 2, 1), (2, 1, 0), (2, 2, 0), (3, 2, 0), (3, 3, 0), (4, 3, 0)]
    config = DataConfig(minimum_user_interactions=2, minimum_item_interactions=2)
    cleaned = clean(raw(rows), config)
    # User 4 is dropped, so item 3 has one left and is dropped, so user 3 has one left and is dropped.
    assert cleaned.user_ids.tolist() == [1, 2]
    assert cleaned.item_ids.tolist() == [1, 2]
    assert (cleaned.users_dropped, cleaned.items_dropped, cleaned.interactions_dropped) == (2, 1, 3)


def test_equal_times_define_no_order() -> None:
    cleaned = clean(raw([(1, 1, 7), (1, 2, 7), (2, 1, 7)]), DataConfig())
    assert cleaned.interactions.timestamps is None


def test_text_ids_are_sorted_and_indexed() -> None:
    ids = np.array(["b", "10", "b", "a"], dtype=object)
    cleaned = clean(coded(ids, np.array([1, 2, 3, -4]), None, None), DataConfig())
    assert cleaned.user_ids.tolist() == ["10", "a", "b"]
    assert cleaned.interactions.users.tolist() == [0, 1, 2, 2]  # sorted by user, then in file order
    assert cleaned.interactions.items.tolist() == [2, 0, 1, 3]
    assert cleaned.item_ids.tolist() == [-4, 1, 2, 3]


def test_last_by_time_is_held_out() -> None:
    found = held_out(interactions([(0, 3, 20), (0, 4, 30), (0, 5, 10), (1, 6, 1), (1, 7, 2)]))
    assert (found[0], found[1]) == (4, 7)


def test_ties_are_broken_by_file_order() -> None:
    assert held_out(interactions([(0, 3, 5), (0, 9, 5), (0, 4, 5), (0, 1, 4)]))[0] == 4


def test_without_times_the_seed_selects() -> None:
    data = interactions([(0, item, 0) for item in range(20)], times=False)
    chosen = {held_out(data, seed)[0] for seed in range(12)}
    assert len(chosen) > 3
    assert held_out(data, 5) == held_out(data, 5)


def test_one_interaction_stays_in_training() -> None:
    split = leave_out(interactions([(0, 3, 1), (1, 4, 1), (1, 5, 2)]), list(range(10)), ITEMS, 0)
    assert 0 not in split.test.users
    assert 0 in split.train.users
    assert split.users_training_only == 7  # including the six users without any


def test_item_without_other_interactions_returns_to_training() -> None:
    split = leave_out(interactions([(0, 3, 1), (0, 77, 2), (1, 4, 1), (1, 5, 2)]), list(range(10)), ITEMS, 0)
    assert split.unseen_returned == 1
    assert 0 not in split.test.users
    assert 77 in split.train.items
    assert set(split.test.items.tolist()) <= set(split.train.items.tolist())


def test_negatives_are_99_distinct_items_without_an_interaction() -> None:
    rng = np.random.default_rng(0)
    rows = [
        (user, int(item), step) for user in range(8) for step, item in enumerate(rng.permutation(20)[:15])
    ]
    data = interactions(rows)
    split = leave_out(data, list(range(10)), ITEMS, 0)
    assert split.test.negatives.shape == (len(split.test), 99)
    for user, negatives in zip(split.test.users, split.test.negatives, strict=True):
        assert len(set(negatives.tolist())) == 99
        assert not set(negatives.tolist()) & set(data.items[data.users == user].tolist())


def users_with(numbers: list[int], items: int) -> Interactions:
    """One user for each of ``numbers``, which is how many of the items the user interacted with."""
    rows = [(user, (user + step) % items, step) for user, own in enumerate(numbers) for step in range(own)]
    users, taken, times = (np.array(column) for column in zip(*rows, strict=True))
    return Interactions(users.astype(np.int32), taken.astype(np.int32), times.astype(np.int64))


@pytest.mark.parametrize(
    ("numbers", "items", "negatives", "untested"),
    [
        ([20] * 10, 119, 99, 0),
        ([20] * 10, 118, 98, 0),
        ([20] * 9 + [60], 119, 99, 1),  # one of ten users does not lower the number
        ([20] * 8 + [60] * 2, 119, 59, 0),
        ([20] * 19 + [50], 60, 40, 1),
        ([20] * 10, 30, 10, 0),
    ],
)
def test_the_number_of_negatives_is_what_nine_of_ten_users_have_free(
    numbers: list[int], items: int, negatives: int, untested: int
) -> None:
    data = users_with(numbers, items)
    split = leave_out(data, list(range(len(numbers))), items, 0)
    assert split.test.negatives.shape == (len(numbers) - untested - split.unseen_returned, negatives)
    assert split.users_untested == untested
    assert len(split.train) + len(split.test) == len(data)
    for user, row in zip(split.test.users, split.test.negatives, strict=True):
        assert len(set(row.tolist())) == negatives
        assert not set(row.tolist()) & set(data.items[data.users == user].tolist())


def test_an_untested_user_stays_in_training() -> None:
    data = users_with([20] * 9 + [60], 119)
    split = leave_out(data, list(range(10)), 119, 0)
    assert 9 not in split.test.users
    assert int((split.train.users == 9).sum()) == 60


def test_items_of_one_user_each_cannot_be_held_out() -> None:
    data = Interactions(np.repeat(np.arange(4), 3).astype(np.int32), np.arange(12, dtype=np.int32), None)
    with pytest.raises(DataError, match="expected items with interactions of several users"):
        leave_out(data, list(range(4)), 30, 0, VALIDATION)


def test_fewer_than_ten_negatives_are_refused() -> None:
    with pytest.raises(DataError, match=r"expected at least 10 items without an interaction .* found 9 in a"):
        leave_out(users_with([20] * 10, 29), list(range(10)), 29, 0)


def test_split_keeps_all_interactions() -> None:
    data = interactions([(user, item, item) for user in range(8) for item in range(user, user + 9)])
    split = leave_out(data, list(range(10)), ITEMS, 0)
    users = np.concatenate([split.train.users, split.test.users])
    items = np.concatenate([split.train.items, split.test.items])
    assert sorted(zip(users, items, strict=True)) == sorted(zip(data.users, data.items, strict=True))


def test_several_interactions_of_each_user_are_held_out() -> None:
    data = interactions([(0, 3, 20), (0, 4, 30), (0, 5, 10), (1, 6, 1), (1, 7, 2), (2, 8, 1)])
    split = leave_out(data, list(range(10)), ITEMS, 0, Holdout(count=2))
    found = {(int(u), int(i)) for u, i in zip(split.test.users, split.test.items, strict=True) if u < 8}
    assert found == {(0, 3), (0, 4), (1, 7)}  # at least one remains in training
    assert split.test.users.tolist() == sorted(split.test.users.tolist())
    assert split.test.protocol == "leave-2-out, 99 sampled negatives, ties count against the positive"
    own = set(data.items[data.users == 0].tolist())
    assert not own & set(split.test.negatives[0].tolist())


def test_random_interactions_are_held_out_in_spite_of_times() -> None:
    data = interactions([(0, item, item) for item in range(20)])
    chosen = {
        leave_out(data, list(range(10)), ITEMS, seed, Holdout("random")).test.items[0] for seed in range(12)
    }
    assert len(chosen) > 3
    assert str(Holdout("random")) == "random leave-one-out"


def test_all_interactions_after_a_point_in_time_are_held_out() -> None:
    rows = [(user, item, 10 * item + user) for user in range(4) for item in range(20)]
    rows += [(5, 3, 195), (5, 4, 196)]  # begins late
    users, items, times = (np.array(column) for column in zip(*rows, strict=True))
    data = Interactions(users.astype(np.int32), items.astype(np.int32), times.astype(np.int64))
    split = leave_out(data, list(range(6)), ITEMS, 0, Holdout("time", share=0.1))
    assert split.train.timestamps is not None
    last = split.train.timestamps.max()
    held = {(int(u), int(i)) for u, i in zip(split.test.users, split.test.items, strict=True)}
    assert held == {(user, item) for user, item, time in rows if time > last and user < 5 and item < 19}
    assert held
    assert split.unseen_dropped == 4  # item 19 occurs only later
    assert split.users_after_training == 1
    assert 5 not in split.train.users


def test_a_split_in_time_needs_times() -> None:
    data = interactions([(0, item, 0) for item in range(20)], times=False)
    with pytest.raises(DataError, match=r'data.split: "time" needs times'):
        leave_out(data, list(range(10)), ITEMS, 0, Holdout("time"))


@pytest.mark.parametrize("times", [True, False])
def test_in_place_the_split_is_the_same_and_takes_no_second_copy(times: bool) -> None:
    rows = [(user, 20 + (7 * user + step) % 40, step) for user in range(8) for step in range(5)]
    data, copy = interactions(rows, times=times), interactions(rows, times=times)
    apart = leave_out(data, list(range(10)), ITEMS, 0)
    reused = leave_out(copy, list(range(10)), ITEMS, 0, in_place=True)
    assert reused.train.content == apart.train.content
    assert reused.test.content == apart.test.content
    assert np.shares_memory(reused.train.users, copy.users)
    assert not np.shares_memory(apart.train.users, data.users)
