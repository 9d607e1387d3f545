"""Items that nobody interacted with: in the catalogue but not in training, with predicted rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hanji.compression.recommenders.compress import compress
from hanji.compression.recommenders.compressed import CompressedModel, load_compressed, save_compressed
from hanji.compression.recommenders.recipe import Recipe
from hanji.export import evaluate
from hanji.export.recommenders.evaluate import evaluations_of
from hanji.export.recommenders.writer import export_bundle
from hanji.runtime import Recommender
from hanji.studies.recommenders.outcomes import ranking_outcomes
from hanji.training.errors import RecipeError
from hanji.training.recommenders import cold_items
from hanji.training.recommenders.baselines.baselines import baselines
from hanji.training.recommenders.cold_items import predicted_rows, with_cold_items, without_cold_items
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import Catalogue, DataConfig, Dataset
from hanji.training.recommenders.data.dataset import MEMORY
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.scoring import scorer_of
from hanji.training.recommenders.train import train
from hanji.training.recommenders.trained import TrainedModel, load_trained, save_trained

MODEL = ModelConfig(type="history", embedding_size=8, hidden_units=(), user_units=4)
TRAINING = TrainingConfig(epochs=3, batch_size=64, pretraining_epochs=2)
RECIPE = Recipe.from_tables(
    "tiny",
    [
        {"type": "distil", "embedding_size": 6, "hidden_units": [], "user_units": 4, "epochs": 1}
        | {"teacher": "ensemble"},
        {"type": "quantize", "scheme": "int4-rows", "epochs": 1},
    ],
    "test",
)
COLD = 20


def catalogue(genres: list[tuple[str, ...]], cold: int) -> Catalogue:
    ids = tuple(range(len(genres)))
    return Catalogue((0,), ids, tuple(map(str, ids)), tuple(genres), (1,) * len(ids), cold)


def with_cold(small: Dataset, *, kept: bool = True) -> Dataset:
    """The small dataset without interactions with the last items, which keep titles and genres."""
    whole, rows = small.catalogue, small.train
    warm = rows.items < whole.items - COLD
    return Dataset.from_arrays(
        np.array(whole.user_ids)[rows.users[warm]],
        np.array(whole.item_ids)[rows.items[warm]],
        timestamps=rows.timestamps[warm] if rows.timestamps is not None else None,
        titles=dict(zip(whole.item_ids, whole.titles, strict=True)),
        genres=dict(zip(whole.item_ids, whole.genres, strict=True)),
        config=replace(MEMORY, cold_items=kept),
    )


@pytest.fixture(scope="module")
def dataset(small_dataset: Dataset) -> Dataset:
    return with_cold(small_dataset)


@pytest.fixture(scope="module")
def plain(small_dataset: Dataset) -> Dataset:
    return with_cold(small_dataset, kept=False)


@pytest.fixture(scope="module")
def trained(dataset: Dataset) -> TrainedModel:
    return train(dataset, MODEL, TRAINING, seed=0)


@pytest.fixture(scope="module")
def compressed(trained: TrainedModel, dataset: Dataset) -> CompressedModel:
    return compress(trained, RECIPE, dataset)


def test_rows_are_the_ridge_regression_on_genres() -> None:
    genres = [("a",)] * 40 + [("b",)] * 40 + [("a", "b")] * 40 + [("a",), ("b",), ("a", "b")]
    rows = np.repeat(np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 2.0]], np.float32), 40, axis=0)
    found = predicted_rows(rows, catalogue(genres, 3))
    x = np.array([[1, 0], [0, 1], [1, 1]], float)
    known = np.repeat(x, 40, axis=0)
    centred = known - known.mean(axis=0)
    weights = np.linalg.solve(centred.T @ centred + np.eye(2), centred.T @ (rows - rows.mean(axis=0)))
    expected = rows.mean(axis=0) + (x - known.mean(axis=0)) @ weights
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found, [[1.0, 0.0], [0.0, 2.0], [1.0, 2.0]], atol=0.1)


def test_rare_items_count_less_and_title_words_count() -> None:
    ids = tuple(range(40))
    titles = (*(f"{'New' if index % 2 else 'Old'} {index}" for index in range(38)), "New", "Old")
    popularity = tuple([100] * 20 + [0] * 18 + [0, 0])
    rows = np.array([[1.0 if index % 2 else -1.0] for index in range(20)] + [[50.0]] * 18, np.float32)
    found = predicted_rows(rows, Catalogue((0,), ids, titles, ((),) * 40, popularity, 2))
    assert found[0, 0] == pytest.approx(1.0, abs=0.1) and found[1, 0] == pytest.approx(-1.0, abs=0.1)


def test_an_item_without_known_genres_gets_the_mean_row() -> None:
    rows = np.arange(20, dtype=np.float32).reshape(10, 2)
    found = predicted_rows(rows, catalogue([("a",)] * 5 + [("b",)] * 5 + [(), ("never seen",)], 2))
    np.testing.assert_allclose(found, [rows.mean(axis=0)] * 2)


def test_noise_is_not_learned_from_genres() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3)).astype(np.float32)
    genres = [(f"genre {value}",) for value in rng.integers(0, 20, 200)]
    found = predicted_rows(rows, catalogue([*genres, ("genre 0",)], 1))
    assert np.abs(found - rows.mean(axis=0)).max() < 0.3


def test_the_most_frequent_words_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cold_items, "MOST_WORDS", 1)
    rows = np.repeat(np.array([[1.0], [3.0]], np.float32), [30, 20], axis=0)
    found = predicted_rows(rows, catalogue([("a",)] * 30 + [("b",)] * 20 + [("b",), ("a",)], 2))
    np.testing.assert_allclose(found, [[1.8], [1.0]], atol=0.2)


def test_they_extend_the_catalogue_and_change_nothing_else(dataset: Dataset, plain: Dataset) -> None:
    assert dataset.catalogue.cold_items == dataset.quality.cold_items == COLD
    assert plain.catalogue.cold_items == 0 and plain.quality.items_left_out == COLD
    assert dataset.without_cold_items().catalogue == plain.catalogue
    assert dataset.catalogue.item_ids[-COLD:] == tuple(range(181, 201))
    np.testing.assert_array_equal(dataset.test.negatives, plain.test.negatives)
    assert dataset.test.negatives.max() < dataset.catalogue.warm_items
    assert dataset.content != plain.content


def test_training_is_that_without_them(trained: TrainedModel, plain: Dataset) -> None:
    without = train(plain, MODEL, TRAINING, seed=0)
    assert trained.metrics == without.metrics
    rows, others = trained.model.item_table.numpy(), without.model.item_table.numpy()
    np.testing.assert_array_equal(rows[:-COLD], others)
    np.testing.assert_array_equal(rows[-COLD:], predicted_rows(others, trained.catalogue))


def test_they_are_ranked_far_better_than_by_chance(
    trained: TrainedModel, dataset: Dataset, small_dataset: Dataset
) -> None:
    rows, first = small_dataset.train, small_dataset.catalogue.items - COLD
    cold = rows.items >= first
    users, items = rows.users[cold], rows.items[cold]
    scorer = scorer_of(trained.model, dataset.train, dataset.catalogue.users)
    table = scorer.table(users.astype(np.int64))[:, first:]
    own = table[np.arange(len(users)), items - first]
    better = (table > own[:, None]).mean(axis=1)
    assert better.mean() < 0.35  # 0.5 by chance


def test_every_stage_has_them(
    compressed: CompressedModel, trained: TrainedModel, dataset: Dataset, tmp_path: Path
) -> None:
    assert compressed.model.items == dataset.catalogue.items
    table = compressed.model.item_table.numpy()
    np.testing.assert_allclose(table, compressed.model.table().numpy(), atol=1e-6)  # on its grid
    assert np.abs(table[-COLD:]).max() > 0
    save_trained(trained, tmp_path / "trained")
    assert load_trained(tmp_path / "trained").catalogue == dataset.catalogue
    save_compressed(compressed, tmp_path / "compressed")
    again = load_compressed(tmp_path / "compressed")
    np.testing.assert_array_equal(again.model.item_table.numpy(), table)


def test_a_bundle_ranks_and_explains_them_and_is_measured_without(
    compressed: CompressedModel, dataset: Dataset, tmp_path: Path
) -> None:
    export_bundle(compressed, tmp_path / "bundle", formats=("tflite",))
    with Recommender.open(tmp_path / "bundle") as recommender:
        scores = recommender.scores(history=[1, 2, 3, 200])
        assert len(scores) == 200
        found = recommender.recommend(history=[1, 2, 3], k=200)
        assert {each.item for each in found} >= set(range(181, 201))
        assert recommender.why([1, 2, 3], 200) is not None
    metrics = evaluate(tmp_path / "bundle", dataset)
    for name, value in compressed.metrics.items():
        assert metrics[name] == pytest.approx(value, abs=0.02)
    full = evaluations_of(tmp_path / "bundle", dataset, protocols=["full"])["full"]
    assert "all 180 items" in full.protocol
    assert 0 < full.metrics["coverage_at_10"] <= 1
    outcomes = ranking_outcomes(tmp_path / "bundle", dataset, engine="auto", part="test", seed=0)
    assert outcomes.top.max() < dataset.catalogue.warm_items
    card = (tmp_path / "bundle" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "20 of the items had no interaction in the training data" in card


def test_rows_can_be_removed_and_added_again(trained: TrainedModel) -> None:
    model = without_cold_items(trained.model, trained.catalogue)
    assert isinstance(model, HistoryModel) and model.items == 200 - COLD
    again = with_cold_items(model, trained.catalogue)
    np.testing.assert_array_equal(again.item_table.numpy(), trained.model.item_table.numpy())


def test_other_models_are_refused(dataset: Dataset) -> None:
    with pytest.raises(RecipeError, match=r'only history models .* found a "mf" model'):
        train(dataset, ModelConfig(type="mf", embedding_size=4), TRAINING, seed=0)


def test_baselines_are_measured_without_them(dataset: Dataset, plain: Dataset) -> None:
    one, two = baselines(dataset, factors=4), baselines(plain, factors=4)
    assert [each.metrics for each in one] == [each.metrics for each in two]


def test_the_default_is_to_leave_them_out() -> None:
    assert not DataConfig().cold_items
    with pytest.raises(ValueError, match="synthetic catalogue"):
        DataConfig(cold_items=True)
