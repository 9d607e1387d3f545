"""Compression of models that know order: their teachers, students and low-bit rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hanji.compression.recommenders.compress import compress
from hanji.compression.recommenders.recipe import Recipe
from hanji.compression.recommenders.steps import Distil, LowRank, Quantize
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.train import train
from hanji.training.recommenders.trained import TrainedModel

ITEMS = 40
STUDENT = Distil(
    teacher="ensemble",
    sasrec_epochs=2,
    temperature=1.0,
    embedding_size=8,
    hidden_units=(),
    user_units=4,
    epochs=8,
    learning_rate=0.02,
)


@pytest.fixture(scope="module")
def walks() -> Dataset:
    """Each of 200 users walks through the items of a circle, with steps of one or, sometimes, two."""
    rng = np.random.default_rng(0)
    steps = np.where(rng.random((200, 9)) < 0.8, 1, 2)
    walks = np.cumsum(np.column_stack([rng.integers(0, ITEMS, 200), steps]), axis=1) % ITEMS
    users = np.repeat(np.arange(200), 10)
    return Dataset.from_arrays(users, walks.ravel(), timestamps=np.tile(np.arange(10), 200))


@pytest.fixture(scope="module")
def full(walks: Dataset) -> TrainedModel:
    model = ModelConfig(
        "history", embedding_size=16, hidden_units=(), history_pooling="timescales", history_ages=10
    )
    training = TrainingConfig(epochs=20, batch_size=40, learning_rate=0.02, average_decay=0.9, patience=20)
    return train(walks, model, training, seed=0)


def test_a_student_in_four_bits_ranks_nearly_as_well_as_its_teacher(
    full: TrainedModel, walks: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = Recipe("student", (STUDENT, Quantize("int4-rows", epochs=8, learning_rate=0.01)))
    student = compress(full, recipe, walks)
    assert student.config.ordered and student.model.row_bits == 4
    assert student.teacher_metrics is not None
    assert student.teacher_metrics["ndcg_at_10"] > 0.8
    assert student.metrics["ndcg_at_10"] > 0.85 * student.teacher_metrics["ndcg_at_10"]
    assert "SASRec" in caplog.text and "Ensemble teacher, full ranking: HR@10" in caplog.text


def test_the_full_model_can_teach_alone_and_from_sampled_items(full: TrainedModel, walks: Dataset) -> None:
    sampled = replace(full, training=replace(full.training, sampled_items=20))
    found = compress(sampled, Recipe("student", (replace(STUDENT, teacher="full"),)), walks)
    assert found.teacher_metrics is None
    assert found.metrics["ndcg_at_10"] > 0.85 * full.metrics["ndcg_at_10"]


def test_an_interrupted_ensemble_is_not_trained_again(
    full: TrainedModel, walks: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = Recipe("student", (replace(STUDENT, epochs=1),))
    first = compress(full, recipe, walks, work=tmp_path)
    assert (tmp_path / "training-sasrec.npz").exists()
    caplog.clear()
    second = compress(full, recipe, walks, work=tmp_path)
    assert "epoch 1 of" not in caplog.text
    for one, other in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_student_of_a_model_without_order_has_none(
    trained_history: TrainedModel, small_dataset: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    assert STUDENT.history_pooling == "timescales"
    found = compress(trained_history, Recipe("student", (replace(STUDENT, epochs=1),)), small_dataset)
    assert found.config.history_pooling == "sum"
    assert 'the student\'s history_pooling is "sum", not "timescales"' in caplog.text


def test_a_student_without_order_can_learn_from_a_model_with_one(full: TrainedModel, walks: Dataset) -> None:
    student = replace(STUDENT, history_pooling="sum", epochs=2)
    found = compress(full, Recipe("student", (student,)), walks)
    assert found.config.history_pooling == "sum" and found.teacher_metrics is not None
    assert found.metrics["ndcg_at_10"] > 0.5 * full.metrics["ndcg_at_10"]


def test_low_rank_keeps_the_maps_of_all_heads(full: TrainedModel, walks: Dataset) -> None:
    smaller = compress(full, Recipe("smaller", (LowRank(12),)), walks)
    assert smaller.model.user_kernel.shape == (3 * 12, 12)
    assert smaller.metrics["ndcg_at_10"] > 0.85 * full.metrics["ndcg_at_10"]
