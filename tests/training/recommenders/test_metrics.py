"""Metrics, compared with hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest

from hanji.training.recommenders import metrics


def ranks(scores: list[list[float]], candidates: list[list[int]] | None = None) -> list[int]:
    table = np.array(scores, np.float32)
    ids = np.array(
        candidates if candidates else np.tile(np.arange(table.shape[1]), (len(table), 1)), np.int32
    )
    return metrics.positive_ranks(table, ids).tolist()


def test_rank_counts_better_candidates() -> None:
    assert ranks([[0.5, 0.9, 0.1, 0.7]]) == [2]


def test_ties_count_against_the_positive() -> None:
    assert ranks([[0.5, 0.5, 0.5, 0.1]]) == [2]


def test_a_negative_equal_to_the_positive_does_not_count() -> None:
    assert ranks([[0.5, 0.5, 0.6]], [[7, 7, 3]]) == [1]


def test_a_repeated_negative_counts_once() -> None:
    assert ranks([[0.5, 0.9, 0.9, 0.9]], [[1, 4, 4, 5]]) == [2]


def test_nan_cannot_be_ranked() -> None:
    with pytest.raises(ValueError, match="NaN"):
        ranks([[float("nan"), 0.1]])


def test_hit_ratio_and_ndcg() -> None:
    found = np.array([0, 1, 9, 10])
    assert metrics.hit_ratio(found) == 0.75
    expected = (1 + 1 / np.log2(3) + 1 / np.log2(11)) / 4
    assert metrics.ndcg(found) == pytest.approx(expected)


def test_precision_with_one_relevant_item() -> None:
    top = np.array([[1, 2], [3, 4]], np.int32)
    assert metrics.precision(top, np.array([2, 9], np.int32)) == 0.25


def test_diversity_is_zero_for_equal_and_one_for_orthogonal_items() -> None:
    features = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert metrics.intra_list_diversity(np.array([[0, 1]], np.int32), features) == pytest.approx(0.0)
    assert metrics.intra_list_diversity(np.array([[0, 2]], np.int32), features) == pytest.approx(1.0)


def test_diversity_without_features_is_nan() -> None:
    assert np.isnan(metrics.intra_list_diversity(np.array([[0, 1]], np.int32), np.zeros((2, 1), np.float32)))


def test_diversity_equals_the_mean_over_pairs() -> None:
    rng = np.random.default_rng(0)
    features = (rng.random((30, 5)) < 0.4).astype(np.float32)
    features[:, 0] = 1.0
    top = np.array([rng.choice(30, 10, replace=False) for _ in range(4)], np.int32)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    pairs = [1 - unit[a] @ unit[b] for row in top for i, a in enumerate(row) for b in row[i + 1 :]]
    assert metrics.intra_list_diversity(top, features) == pytest.approx(float(np.mean(pairs)), abs=1e-6)
