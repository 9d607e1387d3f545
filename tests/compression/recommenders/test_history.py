"""Compression of history models: distillation, low rank, row-wise quantization."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from hanji.compression.recommenders.compress import compress
from hanji.compression.recommenders.compressed import load_compressed, save_compressed
from hanji.compression.recommenders.recipe import Recipe, check_recipe
from hanji.compression.recommenders.steps import Distil, LowRank, Prune, Quantize, Step
from hanji.training.errors import RecipeError
from hanji.training.recommenders.baselines.histories import Scores, histories_of
from hanji.training.recommenders.data import DataConfig, Dataset
from hanji.training.recommenders.history_scoring import scores_of_histories
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.models.rows import levels
from hanji.training.recommenders.train import train
from hanji.training.recommenders.trained import TrainedModel

STUDENT = Distil(teacher="ensemble", embedding_size=8, hidden_units=(), user_units=4, epochs=6)


@pytest.fixture(scope="module")
def full(trained_history: TrainedModel) -> TrainedModel:
    return trained_history


def scores(model: HistoryModel, dataset: Dataset) -> Scores:
    users, items = dataset.catalogue.users, dataset.catalogue.items
    return scores_of_histories(model)(histories_of(dataset.train, users=users, items=items))


def test_a_student_ranks_nearly_as_well_as_the_full_model_and_has_its_teachers_metrics(
    full: TrainedModel, small_dataset: Dataset
) -> None:
    student = compress(full, Recipe("student", (STUDENT,)), small_dataset)
    assert student.config.embedding_size == 8
    assert student.metrics["ndcg_at_10"] > 0.85 * full.metrics["ndcg_at_10"]
    assert student.teacher_metrics is not None
    assert student.teacher_metrics["ndcg_at_10"] > 0.9 * full.metrics["ndcg_at_10"]


@pytest.mark.parametrize(("scheme", "bits"), [("int8-rows", 8), ("int4-rows", 4)])
def test_rows_are_quantized_and_rank_nearly_as_well(
    full: TrainedModel, small_dataset: Dataset, scheme: str, bits: int, tmp_path: Path
) -> None:
    recipe = Recipe("rows", (Quantize(scheme, epochs=2),))  # type: ignore[arg-type]
    compressed = compress(full, recipe, small_dataset)
    table = compressed.model.item_table.numpy()
    integers = table / np.abs(table).max(axis=1, keepdims=True) * levels(bits)
    np.testing.assert_allclose(integers, np.rint(integers), atol=1e-3)
    assert compressed.scheme == scheme
    assert compressed.metrics["ndcg_at_10"] > 0.9 * full.metrics["ndcg_at_10"]
    save_compressed(compressed, tmp_path / "compressed")
    loaded = load_compressed(tmp_path / "compressed")
    assert loaded.model.row_bits == bits
    np.testing.assert_array_equal(
        scores(loaded.model, small_dataset), scores(compressed.model, small_dataset)
    )


def test_the_error_of_low_rank_depends_on_the_rank(full: TrainedModel, small_dataset: Dataset) -> None:
    def error(rank: int) -> float:
        smaller = compress(full, Recipe("smaller", (LowRank(rank),)), small_dataset)
        difference = scores(smaller.model, small_dataset) - scores(full.model, small_dataset)
        return float(np.sqrt(np.mean(difference**2)))

    assert error(full.config.embedding_size - 1) < 0.3 * error(1)


def test_low_rank_requires_fewer_factors(full: TrainedModel, small_dataset: Dataset) -> None:
    with pytest.raises(RecipeError, match="fewer factors than the model's 16"):
        compress(full, Recipe("same", (LowRank(16),)), small_dataset)


@pytest.mark.parametrize(
    ("model", "step"),
    [
        ("history", Prune()),
        ("history", Quantize("int8-qat")),
        ("neumf", LowRank(4)),
        ("neumf", Quantize("int4-rows")),
    ],
)
def test_an_unsupported_step_raises_before_training(model: str, step: Step) -> None:
    with pytest.raises(RecipeError, match=model):
        check_recipe(Recipe("wrong", (step,)), model)


def test_two_runs_give_the_same_student(small_dataset: Dataset, small_config: DataConfig) -> None:
    recipe = Recipe("student", (STUDENT, Quantize("int4-rows", epochs=1)))

    def table() -> Scores:
        model = compress(fitted(small_dataset, small_config), recipe, small_dataset).model
        return np.asarray(model.item_table.numpy())

    np.testing.assert_array_equal(table(), table())


def fitted(dataset: Dataset, config: DataConfig) -> TrainedModel:
    from hanji.training.recommenders.config import TrainingConfig

    model = ModelConfig(type="history", embedding_size=12, hidden_units=())
    training = TrainingConfig(epochs=2, batch_size=64, pretraining_epochs=2)
    return train(dataset, model=model, training=training, seed=1)


@pytest.mark.parametrize("teacher", ["full", "ensemble"])
def test_a_student_of_sampled_items_ranks_nearly_as_well(
    full: TrainedModel, small_dataset: Dataset, teacher: Literal["full", "ensemble"]
) -> None:
    recipe = Recipe("student", (replace(STUDENT, teacher=teacher), Quantize("int8-rows", epochs=1)))
    sampled = replace(full, training=replace(full.training, sampled_items=60))
    found = compress(sampled, recipe, small_dataset)
    assert found.metrics["ndcg_at_10"] > 0.8 * full.metrics["ndcg_at_10"]
    assert (found.teacher_metrics is None) == (teacher == "full")
    if found.teacher_metrics:
        assert found.teacher_metrics["ndcg_at_10"] > 0.9 * full.metrics["ndcg_at_10"]
