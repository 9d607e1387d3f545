"""Top k: highest score first, ties by index."""

from __future__ import annotations

import numpy as np
import pytest

from hanji.runtime.top_k import top_k


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 2, 10, 300])
@pytest.mark.parametrize("distinct", [1, 2, 5, 10_000])
def test_it_equals_the_head_of_a_stable_sort(dtype: type, count: int, distinct: int) -> None:
    rng = np.random.default_rng(count)
    scores: np.ndarray = rng.integers(0, distinct, count).astype(dtype)
    expected = np.argsort(-scores, kind="stable")
    for k in {1, min(3, count), count}:
        assert top_k(scores, k).tolist() == expected[:k].tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [50_000, 51_200, 65_537, 130_000])
@pytest.mark.parametrize("distinct", [1, 2, 5, 300, 10**9])
def test_large_catalogues(dtype: type, count: int, distinct: int) -> None:
    """Blockwise search, with lengths that are not multiples of the block size, and many ties."""
    rng = np.random.default_rng(count + distinct)
    scores: np.ndarray = rng.integers(0, distinct, count).astype(dtype)
    scores[rng.choice(count, 1000, replace=False)] = -np.inf
    for values in (scores, np.sort(scores), np.sort(scores)[::-1].copy(), -np.abs(scores)):
        expected = np.argsort(-values, kind="stable")
        for k in (1, 2, 10, 24, 25, 63, 64, 1000, count):
            assert top_k(values, k).tolist() == expected[:k].tolist()


def test_the_highest_score_after_the_last_full_block() -> None:
    scores = np.zeros(50_001, np.float32)
    scores[[50_000, 49_999, 3]] = [2, 1, 1]
    assert top_k(scores, 4).tolist() == [50_000, 3, 49_999, 0]


def test_almost_everything_is_excluded() -> None:
    scores = np.full(60_000, -np.inf, np.float32)
    scores[[7, 59_999]] = [1, 2]
    assert top_k(scores, 2).tolist() == [59_999, 7]
    assert top_k(scores, 4).tolist() == [59_999, 7, 0, 1]


def test_excluded_items_come_last() -> None:
    scores = np.array([1, -np.inf, 3, -np.inf, -5], np.float32)
    assert top_k(scores, 3).tolist() == [2, 0, 4]


def test_scores_are_not_modified() -> None:
    scores = np.array([3, 1, 2], np.float32)
    top_k(scores, 2)
    assert scores.tolist() == [3, 1, 2]
