"""The k best: highest score first, ties by index."""

from __future__ import annotations

import numpy as np
import pytest

from hanji.runtime.top_k import top_k


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 2, 10, 300])
@pytest.mark.parametrize("distinct", [1, 2, 5, 10_000])
def test_it_is_the_head_of_a_stable_sort(dtype: type, count: int, distinct: int) -> None:
    rng = np.random.default_rng(count)
    scores: np.ndarray = rng.integers(0, distinct, count).astype(dtype)
    expected = np.argsort(-scores, kind="stable")
    for k in {1, min(3, count), count}:
        assert top_k(scores, k).tolist() == expected[:k].tolist()


def test_excluded_items_come_last() -> None:
    scores = np.array([1, -np.inf, 3, -np.inf, -5], np.float32)
    assert top_k(scores, 3).tolist() == [2, 0, 4]


def test_scores_are_left_alone() -> None:
    scores = np.array([3, 1, 2], np.float32)
    top_k(scores, 2)
    assert scores.tolist() == [3, 1, 2]
