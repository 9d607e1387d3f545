"""What a held-out item is ranked among, on a catalogue small enough to rank by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hanji.training.errors import DataError
from hanji.training.recommenders import evaluation, metrics
from hanji.training.recommenders.data import Catalogue, Dataset, Interactions
from hanji.training.recommenders.data.interactions import LeaveOneOut
from hanji.training.recommenders.evaluation import evaluate, evaluate_protocols
from hanji.training.recommenders.protocols import PROTOCOLS, candidates_of, with_uniform_negatives

ITEMS = 14


def dataset_of(histories: list[list[int]], test: LeaveOneOut, items: int, small: Dataset) -> Dataset:
    """A dataset of these training histories, without genres."""
    pairs = np.array([(user, item) for user, own in enumerate(histories) for item in own], np.int32)
    train = Interactions(pairs[:, 0], pairs[:, 1], None)
    catalogue = Catalogue(
        user_ids=tuple(range(len(histories))),
        item_ids=tuple(range(items)),
        titles=tuple(map(str, range(items))),
        genres=((),) * items,
        popularity=tuple(np.bincount(train.items, minlength=items).tolist()),
    )
    return replace(small, catalogue=catalogue, train=train, test=test, user_attributes={})


@pytest.fixture
def tiny(small_dataset: Dataset) -> Dataset:
    """Three users. The item of user 1 is also in the history; that of user 2 is not in the training data."""
    users, items = np.arange(3, dtype=np.int32), np.array([2, 3, 13], np.int32)
    negatives = np.array([[5, 6], [5, 6], [1, 6]], np.int32)
    return dataset_of([[0, 1], [3], [0]], LeaveOneOut(users, items, negatives), ITEMS, small_dataset)


@pytest.fixture
def table() -> np.ndarray:
    """User 0: the first items are best; user 1: all equal; user 2: items 0–4 and 13 are equally good."""
    scores = np.ones((3, ITEMS), np.float32)
    scores[0] = np.arange(ITEMS, 0, -1)
    scores[2, [0, 1, 2, 3, 4, 13]] = 5.0
    return scores


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_full_ranking_has_the_values_of_a_computation_by_hand(
    tiny: Dataset, table: np.ndarray, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "users_in_batch", lambda items: batch)
    found = evaluate_protocols(table.__getitem__, tiny, ["full"])["full"]
    # Ranks: 0, as both better items are in the history; 13, as all other items tie; 4, as 1–4 tie and 0 is
    # in the history. Top 10: items 2–11; 0–2 and 4–10; 1–9 and 13. None has item 12.
    assert found.metrics == {
        "hr_at_10": pytest.approx(2 / 3),
        "ndcg_at_10": pytest.approx((1 + 1 / np.log2(6)) / 3),
        "mrr": pytest.approx((1 + 1 / 14 + 1 / 5) / 3),
        "coverage_at_10": 13 / 14,
    }
    assert found.protocol == (
        "leave-one-out, all 14 items without those of the user's training history, "
        "ties count against the positive"
    )


def test_given_negatives_of_the_same_rows(tiny: Dataset, table: np.ndarray) -> None:
    found = evaluate_protocols(table.__getitem__, tiny)["sampled"]
    assert found.metrics["ndcg_at_10"] == pytest.approx((1 + 1 / np.log2(4) + 1 / np.log2(3)) / 3)
    assert found.protocol == tiny.test.protocol


def test_ranks_among_unseen_items() -> None:
    table = np.array([[3, 1, 3, 3, 0], [3, 1, 3, 3, 0], [0, 0, 0, 0, 9]], np.float32)
    seen = np.array([[0, 0], [1, 0], [1, 2], [2, 4]], np.int32)
    ranks = metrics.ranks_among_unseen(table, np.array([2, 2, 0], np.int32), seen)
    assert ranks.tolist() == [1, 1, 3]


def test_scores_that_are_not_numbers_have_no_rank() -> None:
    table = np.array([[1, np.nan, 2]], np.float32)
    with pytest.raises(ValueError, match="NaN"):
        metrics.ranks_among_unseen(table, np.array([0], np.int32), np.zeros((0, 2), np.int32))


def test_coverage_counts_items_that_are_listed() -> None:
    top = np.array([[0, 1, 2], [3, 0, 7]], np.int32)
    assert metrics.coverage(top, np.array([20, 1]), 8) == 0.5  # user 1 has a single item left to recommend


def test_reciprocal_rank_has_no_cutoff() -> None:
    assert metrics.reciprocal_rank(np.array([0, 99])) == pytest.approx(0.505)


@pytest.mark.parametrize("seed", range(5))
def test_all_protocols_agree_where_all_other_items_are_candidates(small_dataset: Dataset, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shuffled = np.stack([rng.permutation(30) for _ in range(40)]).astype(np.int32)
    rows = LeaveOneOut(np.arange(40, dtype=np.int32), shuffled[:, 9], shuffled[:, 10:])
    dataset = dataset_of(shuffled[:, :9].tolist(), rows, 30, small_dataset)
    scores = rng.integers(0, 12, (40, 30)).astype(np.float32)  # with many ties
    found = evaluate_protocols(scores.__getitem__, dataset, PROTOCOLS)
    for name in ("hr_at_10", "ndcg_at_10"):
        assert len({each.metrics[name] for each in found.values()}) == 1
    assert "20 uniformly sampled negatives" in found["uniform"].protocol


def test_uniform_negatives_are_always_the_same_and_new_to_the_user(small_dataset: Dataset) -> None:
    test = small_dataset.test
    first = with_uniform_negatives(test, small_dataset).negatives
    assert first.shape == (len(test), 100)
    train = small_dataset.train
    for user, item, negatives in zip(test.users, test.items, first, strict=True):
        assert len({item, *negatives}) == 101
        assert not np.isin(negatives, train.items[train.users == user]).any()
    given = replace(test, negatives=test.negatives[:, :20])
    again = with_uniform_negatives(given, replace(small_dataset, test=given)).negatives
    np.testing.assert_array_equal(again, first)
    other = replace(small_dataset, config=replace(small_dataset.config, seed=1))
    assert (with_uniform_negatives(test, other).negatives != first).any()


def test_uniform_negatives_leave_out_all_held_out_items_of_a_user(small_dataset: Dataset) -> None:
    test = small_dataset.test
    twice = LeaveOneOut(
        np.repeat(test.users, 2),
        np.stack([test.items, test.negatives[:, 0]], axis=1).ravel(),
        np.repeat(test.negatives, 2, axis=0),
    )
    found = with_uniform_negatives(twice, replace(small_dataset, test=twice))
    for user in range(5):
        rows = candidates_of(found)[twice.users == user]
        assert not np.isin(rows[:, 1:], rows[:, 0]).any()


def test_a_user_with_too_few_other_items(tiny: Dataset) -> None:
    users = np.zeros(4, np.int32)
    more = Interactions(users, np.arange(4, 8, dtype=np.int32), None)
    train = Interactions(
        *(np.concatenate(pair) for pair in ((tiny.train.users, more.users), (tiny.train.items, more.items))),
        None,
    )
    with pytest.raises(DataError, match="found a user with 7 in a catalogue of 14 items"):
        with_uniform_negatives(tiny.test, replace(tiny, train=train))


def test_one_pass_serves_all_protocols_and_changes_none(small_dataset: Dataset) -> None:
    shape = small_dataset.catalogue.users, small_dataset.catalogue.items
    scores = np.random.default_rng(0).integers(0, 30, shape).astype(np.float32)
    asked: list[int] = []

    def score(users: np.ndarray) -> np.ndarray:
        asked.extend(users.tolist())
        return scores[users]

    found = evaluate_protocols(score, small_dataset, PROTOCOLS)
    assert asked == small_dataset.test.users.tolist()
    assert list(found) == list(PROTOCOLS)
    assert found["sampled"].metrics == evaluate(scores.__getitem__, small_dataset)
    assert set(found["uniform"].metrics) == {"hr_at_10", "ndcg_at_10"}
    assert found["full"].metrics["hr_at_10"] < found["uniform"].metrics["hr_at_10"]
    for each in found.values():
        assert each.groups == []


def test_groups_of_users_under_each_protocol(small_dataset: Dataset) -> None:
    users = small_dataset.catalogue.users
    dataset = replace(small_dataset, user_attributes={"club": ("red",) * users})
    scores = np.random.default_rng(0).random((users, dataset.catalogue.items)).astype(np.float32)
    for each in evaluate_protocols(scores.__getitem__, dataset, PROTOCOLS).values():
        (group,) = each.groups
        assert group.hr_at_10 == each.metrics["hr_at_10"]


def test_a_large_catalogue_is_ranked_for_a_sample_of_the_users(
    small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    items = small_dataset.catalogue.items
    monkeypatch.setattr(evaluation, "LARGE_CATALOGUE", items - 1)
    monkeypatch.setattr(evaluation, "MOST_SCORES", 50 * items)
    scores = np.random.default_rng(0).random((small_dataset.catalogue.users, items)).astype(np.float32)
    metrics_of = {
        name: each.metrics
        for name, each in evaluate_protocols(scores.__getitem__, small_dataset, PROTOCOLS).items()
    }
    sample = (
        f"measured for a random sample of 50 of {len(small_dataset.test)} users, because the whole catalogue"
    )
    text = caplog.text
    assert f"hr@10 and ndcg@10 and precision@10 and diversity@10: {sample}" in text
    assert f"protocol uniform, hr@10 and ndcg@10: {sample}" in text
    assert f"protocol full, hr@10 and ndcg@10 and mrr and coverage@10: {sample}" in text
    share = metrics_of["full"]["hr_at_10"]
    margin = 1.96 * np.sqrt(share * (1 - share) / 50)
    assert f"95 % interval of hr@10: {share:.4f} ± {margin:.4f}" in text


def test_an_unknown_protocol(tiny: Dataset, table: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected one of sampled, uniform, full, found 'all'"):
        evaluate_protocols(table.__getitem__, tiny, ["all"])
