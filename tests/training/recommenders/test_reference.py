"""Conformance tests of every reference model, and properties of individual ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hanji.runtime.cli import main
from hanji.training.recommenders.baselines import ease, neighbours
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.baselines import baselines
from hanji.training.recommenders.baselines.content import Content
from hanji.training.recommenders.baselines.ease import Ease
from hanji.training.recommenders.baselines.histories import Histories, ReferenceModel, histories_of
from hanji.training.recommenders.baselines.neighbours import ItemNeighbours, UserNeighbours
from hanji.training.recommenders.baselines.popularity import Popularity
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.evaluation import evaluate_candidates

Fit = Callable[[Histories, Dataset], ReferenceModel]

MODELS: dict[str, tuple[Fit, float, float]] = {
    # The range that HR@10 on the default synthetic catalogue must fall into.
    "popularity": (lambda train, _: Popularity.fit(train), 0.30, 0.38),
    "content": (lambda _, data: Content.fit(data.catalogue), 0.38, 0.50),
    "item-neighbours": (lambda train, _: ItemNeighbours.fit(train), 0.67, 0.75),
    "user-neighbours": (lambda train, _: UserNeighbours.fit(train), 0.70, 0.77),
    "ease": (lambda train, _: Ease.fit(train), 0.74, 0.81),
    "als": (lambda train, _: Als.fit(train, factors=24), 0.73, 0.82),
}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset(DataConfig(synthetic_order=0.0), None)


@pytest.fixture(scope="module")
def train(dataset: Dataset) -> Histories:
    return histories_of(dataset.train, users=dataset.catalogue.users, items=dataset.catalogue.items)


@pytest.mark.parametrize("name", MODELS)
def test_hit_ratio_is_in_the_expected_range(name: str, dataset: Dataset, train: Histories) -> None:
    fit, lowest, highest = MODELS[name]
    scores = fit(train, dataset).scores(train)
    assert scores.shape == train.shape
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    found = evaluate_candidates(lambda users, items: scores[users, items], dataset.test)
    assert lowest < found["hr_at_10"] < highest


@pytest.mark.parametrize("name", MODELS)
def test_it_scores_users_unseen_in_training(name: str, dataset: Dataset, train: Histories) -> None:
    model = MODELS[name][0](train[100:], dataset)
    together = model.scores(train[:100])
    np.testing.assert_allclose(model.scores(train[7:8])[0], together[7], rtol=1e-3, atol=1e-4)
    assert np.isfinite(
        model.scores(histories_of(dataset.train.take(np.arange(0)), users=1, items=1000))
    ).all()


def test_a_folded_in_user_minimizes_the_loss_of_als(train: Histories) -> None:
    model = Als.fit(train, factors=8, epochs=2)
    user = model.fold_in(train[:1])[0].astype(np.float64)
    observed = train[0].toarray().ravel()

    def loss(factors: np.ndarray) -> float:
        scores = model.items @ factors
        penalty = model.regularization * (observed.sum() + model.unobserved_weight * len(observed))
        unobserved = model.unobserved_weight * np.square(scores).sum()
        return float(
            (observed * np.square(1 - scores)).sum() + unobserved + penalty * np.square(factors).sum()
        )

    rng = np.random.default_rng(0)
    assert all(loss(user) < loss(user + rng.normal(0, 0.05, 8)) for _ in range(50))


def test_an_item_never_recommends_itself_in_ease(train: Histories) -> None:
    assert not np.diag(Ease.fit(train).weights).any()


def dense_ease(train: Histories, regularization: float) -> np.ndarray:
    """The weights in double precision, by a general inverse."""
    inverse = np.linalg.inv(
        (train.T @ train).toarray().astype(np.float64) + regularization * np.eye(train.shape[1])
    )
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights


@pytest.mark.parametrize("precision", ["double", "single"])
def test_ease_equals_its_definition(
    train: Histories, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 12 * 1000**2 if precision == "double" else 5 * 1000**2
    monkeypatch.setattr(ease, "available_memory", lambda: 2 * room)
    monkeypatch.setattr(ease, "rows_in_batch", lambda row_bytes: 300)
    expected = dense_ease(train, 500.0)
    tolerance = 1e-6 if precision == "double" else 1e-4
    np.testing.assert_allclose(Ease.fit(train).weights, expected, atol=tolerance * np.abs(expected).max())


def test_ease_is_restricted_to_the_most_popular_items(
    train: Histories, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ease, "MOST_ITEMS", 300)
    model = Ease.fit(train)
    counts = np.asarray(train.sum(axis=0)).ravel()
    others = np.setdiff1d(np.arange(1000), model.items)
    assert len(model.items) == 300
    assert counts[model.items].min() >= counts[others].max()
    scores = model.scores(train[:50])
    assert scores.shape == (50, 1000)
    assert not scores[:, others].any()
    head = train[:, model.items]
    np.testing.assert_allclose(scores[:, model.items], head[:50] @ dense_ease(head, 500.0), atol=1e-4)
    assert "300 most popular of 1,000 items" in caplog.text


def test_ease_is_restricted_to_what_fits_into_memory(
    train: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ease, "available_memory", lambda: 2 * 4 * 200**2)
    assert len(Ease.fit(train).items) == 200


def nearest_dense(similarity: np.ndarray, count: int) -> np.ndarray:
    threshold = np.partition(similarity, -count, axis=1)[:, -count, None]
    return np.where(similarity >= threshold, similarity, 0.0)


def test_item_neighbours_in_blocks_equal_those_of_a_table(
    train: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "rows_in_batch", lambda row_bytes: 64)
    common = (train.T @ train).toarray()
    norms = np.sqrt(np.diag(common))
    similarity = common / (np.outer(norms, norms) + 20.0)
    np.fill_diagonal(similarity, 0.0)
    found = ItemNeighbours.fit(train, neighbours=50).similarity.toarray()
    np.testing.assert_array_equal(found, nearest_dense(similarity, 50))


def test_user_neighbours_in_blocks_equal_those_of_a_table(
    train: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "rows_in_batch", lambda row_bytes: 64)
    norms = np.sqrt(np.asarray(train.sum(axis=1), np.float32)).ravel()
    similarity = (train[:200] @ train.T).toarray() / np.maximum(np.outer(norms[:200], norms), 1.0)
    found = UserNeighbours.fit(train, neighbours=50).scores(train[:200])
    np.testing.assert_allclose(found, nearest_dense(similarity, 50) @ train.toarray(), rtol=1e-5)


def test_a_repeated_interaction_counts_once(dataset: Dataset) -> None:
    twice = dataset.train.take(np.array([0, 0, 1]))
    assert histories_of(twice, users=2000, items=1000).sum() == 2


def test_settings_are_selected_without_the_test_set(dataset: Dataset) -> None:
    def selected(data: Dataset) -> list[str]:
        return [row.settings for row in baselines(data, factors=8)]

    shuffled = replace(dataset, test=replace(dataset.test, items=np.roll(dataset.test.items, 1)))
    assert selected(dataset) == selected(shuffled)


def test_the_command_prints_a_table_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'name = "x"\n[data]\nsynthetic_users = 200\n'
        "synthetic_items = 200\nsynthetic_interactions_per_user = 20\n"
    )
    assert main(["baselines", str(recipe), "--factors", "8"]) == 0
    output = capsys.readouterr().out
    assert "synthetic data" in output
    assert all(name in output for name in MODELS)
    assert "full: leave-one-out, all 200 items without those of the user's training history" in output
    assert main(["baselines", str(recipe), "--factors", "8", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["name"] for row in rows} == set(MODELS)
    for row in rows:
        assert row["full_ranking"]["hr_at_10"] < row["metrics"]["hr_at_10"]
        assert f" {row['full_ranking']['mrr']:.4f}" in output


def test_the_command_refuses_zero_factors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baselines", str(tmp_path / "x.toml"), "--factors", "0"]) == 1
    assert "--factors" in capsys.readouterr().err


def test_ease_reproduces_the_known_metrics_on_movielens(movielens_1m: Path) -> None:
    config = DataConfig(name="movielens-1m", format="ncf")
    data = load_dataset(config, movielens_1m)
    table = histories_of(data.train, users=data.catalogue.users, items=data.catalogue.items)
    scores = Ease.fit(table, regularization=1000.0).scores(table)
    found = evaluate_candidates(lambda users, items: scores[users, items], data.test)
    assert found["hr_at_10"] == pytest.approx(0.7182, abs=2e-4)
    assert found["ndcg_at_10"] == pytest.approx(0.4511, abs=2e-4)
