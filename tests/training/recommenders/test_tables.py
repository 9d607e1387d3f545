"""Scores in batches of users, compared with tables of all users."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hanji.training.recommenders import evaluation, metrics, tables
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.histories import (
    Histories,
    evaluate_scores,
    histories_of,
    standardized,
)
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.evaluation import evaluate, evaluate_catalogue, genre_features
from hanji.training.recommenders.protocols import candidates_of
from hanji.training.recommenders.tables import best_unseen, pair_scorer


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Seven users per batch; the number of batches that were asked for."""
    asked: list[int] = []

    def seven(items: int) -> int:
        asked.append(items)
        return 7

    for module in (tables, evaluation):
        monkeypatch.setattr(module, "users_in_batch", seven)
    yield asked


@pytest.fixture(scope="module")
def table(small_dataset: Dataset) -> np.ndarray:
    """Scores of all users, with many ties."""
    shape = small_dataset.catalogue.users, small_dataset.catalogue.items
    return np.random.default_rng(0).integers(0, 30, shape).astype(np.float32)


@pytest.fixture(scope="module")
def train(small_dataset: Dataset) -> Histories:
    users, items = small_dataset.catalogue.users, small_dataset.catalogue.items
    return histories_of(small_dataset.train, users=users, items=items)


def dense_metrics(table: np.ndarray, dataset: Dataset, train: Histories) -> dict[str, float]:
    """All metrics from one table, by sorting whole rows."""
    test, candidates = dataset.test, candidates_of(dataset.test)
    ranks = metrics.positive_ranks(np.take_along_axis(table[test.users], candidates, axis=1), candidates)
    unseen = np.where(train.toarray() > 0, -np.inf, table)[test.users]
    top = np.argsort(-unseen, axis=1, kind="stable")[:, :10].astype(np.int32)
    return {
        "hr_at_10": metrics.hit_ratio(ranks, 10),
        "ndcg_at_10": metrics.ndcg(ranks, 10),
        "precision_at_10": metrics.precision(top, test.items),
        "diversity_at_10": metrics.intra_list_diversity(top, genre_features(dataset.catalogue)),
    }


def test_evaluation_in_batches_equals_that_of_one_table(
    small_dataset: Dataset, table: np.ndarray, train: Histories, small_batches: list[int]
) -> None:
    rows: list[int] = []

    def score(users: np.ndarray) -> np.ndarray:
        rows.append(len(users))
        return table[users]

    assert evaluate(score, small_dataset) == dense_metrics(table, small_dataset, train)
    assert max(rows) == 7


def test_a_reference_model_is_evaluated_in_batches(
    small_dataset: Dataset, train: Histories, small_batches: list[int]
) -> None:
    model = Als.fit(train, factors=8, epochs=2)
    shapes: list[int] = []

    def scores(histories: Histories) -> np.ndarray:
        shapes.append(histories.shape[0])
        return model.scores(histories)

    found = evaluate_scores(scores, small_dataset)
    assert found == pytest.approx(dense_metrics(model.scores(train), small_dataset, train))
    assert max(shapes) == 7


def test_pairs_in_batches_equal_those_of_one_table(table: np.ndarray, small_batches: list[int]) -> None:
    rng = np.random.default_rng(1)
    users, items = rng.integers(0, len(table), 999), rng.integers(0, table.shape[1], 999)
    found = pair_scorer(table.__getitem__, table.shape[1])(users.astype(np.int32), items.astype(np.int32))
    np.testing.assert_array_equal(found, table[users, items])


@pytest.mark.parametrize("k", [1, 10, 40])
def test_the_best_unseen_items_are_those_of_a_stable_sort(k: int) -> None:
    rng = np.random.default_rng(k)
    table = rng.integers(0, 6, (150, 40)).astype(np.float32)
    seen = np.argwhere(rng.random(table.shape) < 0.3).astype(np.int32)
    unseen = table.copy()
    unseen[seen[:, 0], seen[:, 1]] = -np.inf
    before = table.copy()
    expected = np.argsort(-unseen, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(best_unseen(table, seen, k), expected)
    np.testing.assert_array_equal(table, before)


def test_scores_that_are_not_numbers_cannot_be_ranked() -> None:
    with pytest.raises(ValueError, match="NaN"):
        best_unseen(np.full((1, 20), np.nan, np.float32), np.zeros((0, 2), np.int32), 10)


def test_a_catalogue_that_takes_long_is_evaluated_on_a_sample(
    small_dataset: Dataset, table: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    items = small_dataset.catalogue.items
    all_users = evaluate_catalogue(table.__getitem__, small_dataset, most_scores=10**9)["sampled"]
    assert "sample" not in caplog.text
    asked: list[np.ndarray] = []

    def score(users: np.ndarray) -> np.ndarray:
        asked.append(users)
        return table[users]

    found = evaluate_catalogue(score, small_dataset, most_scores=60 * items)
    assert len(np.unique(np.concatenate(asked))) == 60
    assert found["sampled"]["diversity_at_10"] == pytest.approx(all_users["diversity_at_10"], abs=0.05)
    assert "protocol full, hr@10 and ndcg@10 and mrr and coverage@10: measured for a random sample of 60" in (
        caplog.text
    )
    assert f"sample of 60 of {len(small_dataset.test)} users" in caplog.text
    assert "95 % interval" in caplog.text


def test_standardized_tables_of_als_fold_users_in_once(train: Histories) -> None:
    model = Als.fit(train, factors=8, epochs=2)
    users = np.array([5, 3, 100])
    np.testing.assert_allclose(
        standardized(model.tables(train)(users)), standardized(model.scores(train))[users], atol=1e-5
    )
