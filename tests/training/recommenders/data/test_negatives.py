"""Negative sampling."""

from __future__ import annotations

import time

import numpy as np
import pytest

from hanji.training.errors import DataError
from hanji.training.recommenders.data import Interactions, NegativeSampler


def interactions(pairs: list[tuple[int, int]]) -> Interactions:
    users, items = (np.array(column, dtype=np.int32) for column in zip(*pairs, strict=True))
    return Interactions(users, items, None)


def test_every_free_item_is_equally_likely() -> None:
    train = interactions([(0, 0), (0, 3), (0, 4), (0, 3), (2, 9)])  # a duplicate counts once
    sampler = NegativeSampler(train, 10)
    drawn = sampler.sample(np.zeros(70_000, dtype=np.int32), np.random.default_rng(0))
    assert drawn.dtype == np.int32
    counts = np.bincount(drawn, minlength=10)
    assert np.flatnonzero(counts).tolist() == [1, 2, 5, 6, 7, 8, 9]
    assert np.abs(counts[counts > 0] / 10_000 - 1).max() < 0.05


def test_items_with_an_interaction_are_never_sampled() -> None:
    rng = np.random.default_rng(1)
    pairs = [(user, int(item)) for user in range(40) for item in rng.permutation(50)[: rng.integers(1, 50)]]
    sampler = NegativeSampler(interactions(pairs), 50)
    users = rng.integers(0, 40, 20_000).astype(np.int32)
    drawn = sampler.sample(users, rng)
    assert not set(zip(users.tolist(), drawn.tolist(), strict=True)) & set(pairs)
    assert drawn.min() >= 0 and drawn.max() < 50


def test_all_items_are_free_for_users_without_training_data() -> None:
    sampler = NegativeSampler(interactions([(2, 1)]), 4)
    drawn = sampler.sample(np.array([0, 1, 7] * 500, dtype=np.int32), np.random.default_rng(0))
    assert set(drawn.tolist()) == {0, 1, 2, 3}


def test_a_single_free_item() -> None:
    sampler = NegativeSampler(interactions([(0, item) for item in range(1000) if item != 437]), 1000)
    assert set(sampler.sample(np.zeros(100, dtype=np.int32), np.random.default_rng(0)).tolist()) == {437}


def test_user_with_everything_is_an_error() -> None:
    sampler = NegativeSampler(interactions([(0, 1), (1, 0), (1, 1), (1, 2)]), 3)
    assert len(sampler.sample(np.array([0], dtype=np.int32), np.random.default_rng(0))) == 1
    with pytest.raises(DataError, match="index 1 has 3 of the catalogue's 3 items"):
        sampler.sample(np.array([0, 1], dtype=np.int32), np.random.default_rng(0))


def test_distinct_sets_are_equally_likely() -> None:
    sampler = NegativeSampler(interactions([(0, 1), (0, 4)]), 6)
    drawn = sampler.sample_distinct(np.zeros(12_000, dtype=np.int32), 2, np.random.default_rng(0))
    sets, counts = np.unique(np.sort(drawn, axis=1), axis=0, return_counts=True)
    assert sets.tolist() == [[0, 2], [0, 3], [0, 5], [2, 3], [2, 5], [3, 5]]
    assert np.abs(counts / 2000 - 1).max() < 0.1


def test_sample_distinct_can_return_all_free_items() -> None:
    sampler = NegativeSampler(interactions([(0, 3)]), 100)
    drawn = sampler.sample_distinct(np.array([0], dtype=np.int32), 99, np.random.default_rng(0))
    assert sorted(drawn[0].tolist()) == [item for item in range(100) if item != 3]
    with pytest.raises(DataError, match="at least 101 items"):
        sampler.sample_distinct(np.array([0], dtype=np.int32), 100, np.random.default_rng(0))


def test_same_seed_same_draws() -> None:
    sampler = NegativeSampler(interactions([(0, 3)]), 100)
    users = np.zeros(50, dtype=np.int32)
    one, two = (sampler.sample(users, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_four_million_draws_in_seconds() -> None:
    rng = np.random.default_rng(0)
    users = np.sort(rng.integers(0, 6040, 1_000_000)).astype(np.int32)
    items = rng.integers(0, 3706, 1_000_000).astype(np.int32)
    sampler = NegativeSampler(Interactions(users, items, None), 3706)
    wanted = np.repeat(rng.permutation(users), 4)
    started = time.process_time()
    sampler.sample(wanted, rng)
    assert time.process_time() - started < 3.0
