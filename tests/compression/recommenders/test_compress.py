"""The effect of each step on the weights, and combinations of steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tf_keras as keras

from hanji.compression import compress as compress_function
from hanji.compression.recommenders.compress import compress, uncompressed
from hanji.compression.recommenders.compressed import load_compressed, save_compressed
from hanji.compression.recommenders.recipe import Recipe, check_sizes
from hanji.compression.recommenders.steps import Distil, LowRank, Prune, Quantize
from hanji.training.errors import DataError, RecipeError
from hanji.training.recommenders.data import DataConfig, Dataset
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.scoring import KerasScorer
from hanji.training.recommenders.train import train
from hanji.training.recommenders.trained import TrainedModel

SMALL_STUDENT = Distil(
    embedding_size=8, mlp_embedding_size=4, hidden_units=(8,), epochs=8, learning_rate=0.01
)


def tables(model: keras.Model) -> dict[str, np.ndarray]:
    return {w.name: w.numpy() for w in model.weights if "embeddings" in w.name}


def sparsity(array: np.ndarray) -> float:
    return float(np.mean(array == 0))


def scores(model: keras.Model) -> np.ndarray:
    scorer = KerasScorer(model)
    return np.stack([scorer.catalogue(user, 200) for user in range(20)])


def top_ten_overlap(one: np.ndarray, other: np.ndarray) -> float:
    tops = [np.argsort(-table, axis=1)[:, :10] for table in (one, other)]
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(*tops, strict=True)]))


def test_an_empty_recipe_keeps_the_scores(trained: TrainedModel, small_dataset: Dataset) -> None:
    full = compress(trained, Recipe("full", ()), small_dataset)
    assert full.scheme == "float32"
    np.testing.assert_allclose(scores(full.model), scores(trained.model), atol=1e-5)
    assert full.metrics == pytest.approx(trained.metrics)


def test_uncompressed_equals_an_empty_recipe(trained: TrainedModel, small_dataset: Dataset) -> None:
    plain, empty = uncompressed(trained), compress(trained, Recipe("full", ()), small_dataset)
    np.testing.assert_array_equal(scores(plain.model), scores(empty.model))
    assert plain.metrics == pytest.approx(empty.metrics)
    assert (plain.scheme, plain.recipe, plain.config) == (empty.scheme, empty.recipe, empty.config)


def test_the_trained_model_is_not_modified(trained: TrainedModel, small_dataset: Dataset) -> None:
    before = [weight.copy() for weight in trained.model.get_weights()]
    compress(
        trained,
        Recipe("all", (SMALL_STUDENT, Prune(epochs=1), Quantize("int8-qat", epochs=1))),
        small_dataset,
    )
    for old, new in zip(before, trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_student_is_smaller_and_agrees_with_its_teacher(
    trained: TrainedModel, small_dataset: Dataset
) -> None:
    student = compress(trained, Recipe("student", (SMALL_STUDENT,)), small_dataset)
    assert student.model.count_params() < trained.model.count_params() * 0.6
    assert student.metrics["hr_at_10"] > 0.8 * trained.metrics["hr_at_10"]
    assert top_ten_overlap(scores(student.model), scores(trained.model)) > 0.5


def test_pruning_reaches_the_configured_sparsity(trained: TrainedModel, small_dataset: Dataset) -> None:
    pruned = compress(trained, Recipe("pruned", (Prune(sparsity=0.6, epochs=2),)), small_dataset)
    for name, table in tables(pruned.model).items():
        assert sparsity(table) == pytest.approx(0.6, abs=0.02), name
    assert sparsity(pruned.model.get_layer("hidden_0").get_weights()[0]) == pytest.approx(0.6, abs=0.05)
    assert sparsity(pruned.model.get_layer("head").get_weights()[0]) == 0.0


def test_pruning_without_embeddings_leaves_them_dense(trained: TrainedModel, small_dataset: Dataset) -> None:
    step = Prune(sparsity=0.6, epochs=1, embeddings=False)
    pruned = compress(trained, Recipe("pruned", (step,)), small_dataset)
    assert all(sparsity(table) < 0.01 for table in tables(pruned.model).values())
    assert sparsity(pruned.model.get_layer("hidden_0").get_weights()[0]) > 0.5


@pytest.mark.parametrize("scheme", ["float16", "dynamic"])
def test_schemes_applied_by_the_converter_change_no_weights(
    trained: TrainedModel, small_dataset: Dataset, scheme: str
) -> None:
    compressed = compress(trained, Recipe(scheme, (Quantize(scheme),)), small_dataset)  # type: ignore[arg-type]
    assert compressed.scheme == scheme
    np.testing.assert_allclose(scores(compressed.model), scores(trained.model), atol=1e-5)


@pytest.mark.parametrize("scheme", ["int8", "int8-qat"])
def test_int8_models_still_rank_well(trained: TrainedModel, small_dataset: Dataset, scheme: str) -> None:
    compressed = compress(trained, Recipe(scheme, (Quantize(scheme, epochs=1),)), small_dataset)  # type: ignore[arg-type]
    assert compressed.scheme == "int8"
    quantized = scores(compressed.model)
    assert top_ten_overlap(quantized, scores(trained.model)) > 0.8
    assert len(np.unique(quantized[0])) > 190  # the float head keeps scores distinct
    assert compressed.metrics["ndcg_at_10"] > 0.9 * trained.metrics["ndcg_at_10"]


def test_calibration_sets_every_range(trained: TrainedModel, small_dataset: Dataset) -> None:
    compressed = compress(trained, Recipe("int8", (Quantize("int8"),)), small_dataset)
    ends = {
        w.name: float(w.numpy()) for w in compressed.model.weights if w.name.endswith(("_min:0", "_max:0"))
    }
    assert ends
    for name, value in ends.items():
        assert value <= 0.0 if name.endswith("_min:0") else value > 0.0, name


def test_sparsity_survives_quantization_aware_training(trained: TrainedModel, small_dataset: Dataset) -> None:
    steps = (Prune(sparsity=0.5, epochs=1), Quantize("int8-qat", epochs=1))
    compressed = compress(trained, Recipe("both", steps), small_dataset)
    for name, table in tables(compressed.model).items():
        assert sparsity(table) == pytest.approx(0.5, abs=0.03), name


@pytest.mark.parametrize("scheme", ["float16", "int8-qat"])
def test_saving_and_loading_preserves_the_scores(
    trained: TrainedModel, small_dataset: Dataset, tmp_path: Path, scheme: str
) -> None:
    recipe = Recipe("kept", (SMALL_STUDENT, Quantize(scheme, epochs=1)))  # type: ignore[arg-type]
    compressed = compress(trained, recipe, small_dataset)
    save_compressed(compressed, tmp_path / "compressed")
    loaded = load_compressed(tmp_path / "compressed")
    np.testing.assert_array_equal(scores(loaded.model), scores(compressed.model))
    assert (loaded.scheme, loaded.recipe, loaded.metrics) == (compressed.scheme, recipe, compressed.metrics)
    assert loaded.full.metrics == trained.metrics
    assert loaded.full_ranking == compressed.full_ranking
    assert loaded.full_ranking.keys() == {"hr_at_10", "ndcg_at_10", "mrr", "coverage_at_10"}


def test_the_same_seed_compresses_to_the_same_weights(trained: TrainedModel, small_dataset: Dataset) -> None:
    recipe = Recipe(
        "twice", (replace(SMALL_STUDENT, epochs=1), Prune(epochs=1), Quantize("int8-qat", epochs=1))
    )
    one, other = (compress(trained, recipe, small_dataset) for _ in range(2))
    for first, second in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_directory_without_a_compressed_model_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="hanji compress"):
        load_compressed(tmp_path)


@pytest.mark.parametrize("kind", ["ncf", "mf"])
def test_the_other_model_types_support_every_step(
    small_dataset: Dataset, small_config: DataConfig, trained: TrainedModel, kind: str
) -> None:
    config = ModelConfig(type=kind, embedding_size=8, hidden_units=(8,), batch_normalization=kind == "ncf")  # type: ignore[arg-type]
    short = replace(trained.training, epochs=3)
    full = train(small_dataset, model=config, training=short, seed=0)
    recipe = Recipe(
        "all", (replace(SMALL_STUDENT, epochs=2), Prune(epochs=1), Quantize("int8-qat", epochs=1))
    )
    compressed = compress(full, recipe, small_dataset)
    assert np.isfinite(scores(compressed.model)).all()


def test_a_failure_in_measuring_does_not_lose_the_pruned_model(
    trained: TrainedModel, small_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe("pruned", (Prune(sparsity=0.5, epochs=1),))
    expected = compress(trained, recipe, small_dataset)

    def failing(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("hanji.compression.recommenders.compress.evaluate_model", failing)
        with pytest.raises(MemoryError):
            compress(trained, recipe, small_dataset, work=tmp_path)
    monkeypatch.setattr("hanji.training.fitting.loop._run_epoch", failing)
    found = compress(trained, recipe, small_dataset, work=tmp_path)
    for one, other in zip(found.model.get_weights(), expected.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_users_or_items_are_refused(trained: TrainedModel, small_dataset: Dataset) -> None:
    items = ("new", *small_dataset.catalogue.item_ids[1:])
    other = replace(small_dataset, catalogue=replace(small_dataset.catalogue, item_ids=items))
    with pytest.raises(DataError, match="expected the data that the model was trained on"):
        compress(trained, Recipe("full", ()), other)


def test_a_step_with_more_factors_than_items_is_refused(small_dataset: Dataset) -> None:
    model = ModelConfig(type="history", embedding_size=64)
    for step in (Distil(embedding_size=300), LowRank(embedding_size=300)):
        with pytest.raises(RecipeError, match=r"compression\[0\]\.embedding_size: expected at most 200"):
            check_sizes(Recipe("large", (step,)), model, 200)
    check_sizes(Recipe("users", (Distil(embedding_size=300),)), ModelConfig(), 200)


def test_compressing_on_other_data_is_logged(
    trained: TrainedModel, small_dataset: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    titles = ("Corrected", *small_dataset.catalogue.titles[1:])
    other = replace(small_dataset, catalogue=replace(small_dataset.catalogue, titles=titles))
    compress_function(trained, Recipe("full", ()), small_dataset)
    assert "the data has changed" not in caplog.text
    compress_function(trained, Recipe("full", ()), other)
    assert "synthetic: the data has changed since the model was trained" in caplog.text
