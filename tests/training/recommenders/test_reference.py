"""Conformance tests of every reference model, and properties of individual ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hanji.runtime.cli import main
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
    return load_dataset(DataConfig(), None)


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
    assert main(["baselines", str(recipe), "--factors", "8", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["name"] for row in rows} == set(MODELS)


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
