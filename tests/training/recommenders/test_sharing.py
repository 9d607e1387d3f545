"""The parts of a batch that workers compute add up to the batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hanji.training.errors import DataError, RecipeError
from hanji.training.fitting.distribution import Workers
from hanji.training.fitting.supervision import Part
from hanji.training.recommenders import train as training_stage
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.data.validation import train_validation_split
from hanji.training.recommenders.fit import default_supervision, validation_of
from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.sharing import share_of_sequences

HISTORY = ModelConfig(type="history", embedding_size=8, hidden_units=(), user_units=4)
TIMESCALES = replace(HISTORY, history_pooling="timescales")
NEUMF = ModelConfig(embedding_size=8, mlp_embedding_size=4, hidden_units=(8,), embedding_regularization=0.1)
TRAINING = TrainingConfig(batch_size=20, held_back=0.4)
SAMPLED = TrainingConfig(batch_size=20, held_back=0.4, sampled_items=50)


@pytest.mark.parametrize("config", [NEUMF, HISTORY, TIMESCALES, ModelConfig(type="mf", embedding_size=4)])
@pytest.mark.parametrize("training", [TRAINING, SAMPLED])
def test_losses_and_gradients_of_the_parts_add_up(
    small_dataset: Dataset, config: ModelConfig, training: TrainingConfig
) -> None:
    split = train_validation_split(small_dataset, 0)
    model = build_model(config, users=split.users, items=split.items)
    supervision = default_supervision(config, split, training)
    objective = supervision.objective
    assert objective.share is not None
    batch = next(supervision.epochs(np.random.default_rng(0)).batches(training.batch_size))

    def gradients(arrays: tuple[Any, ...], weight: float) -> list[Any]:
        with tf.GradientTape() as tape:
            loss = objective.loss(model, *map(tf.constant, arrays)) + sum(model.losses)
        return [
            loss * weight,
            *(tf.convert_to_tensor(one) * weight for one in tape.gradient(loss, model.weights)),
        ]

    parts = [objective.share(batch, Part(index, 3)) for index in range(3)]
    assert sum(fraction for _, fraction in parts) == pytest.approx(1.0)
    whole, divided = gradients(batch, 1.0), [gradients(*part) for part in parts]
    for expected, *found in zip(whole, *divided, strict=True):
        np.testing.assert_allclose(sum(found), expected, rtol=1e-4, atol=1e-6)


def test_targets_that_are_fewer_than_the_workers_are_computed_by_each() -> None:
    batch = (np.array([[4, 2, 7]], np.int32), np.array([[0, 0, 2], [0, 1, 7]], np.int32), np.arange(9))
    parts = [share_of_sequences(batch, Part(index, 3)) for index in range(3)]
    assert [fraction for _, fraction in parts] == [pytest.approx(1 / 3)] * 3
    for arrays, _ in parts:
        assert all(np.array_equal(one, whole) for one, whole in zip(arrays, batch, strict=True))


def test_a_batch_with_fewer_rows_than_workers_is_refused() -> None:
    assert [Part(index, 3).of(7) for index in range(3)] == [slice(0, 2), slice(2, 4), slice(4, 7)]
    with pytest.raises(RecipeError, match="each of 3 workers, found batches of 2"):
        Part(0, 3).of(2)


class SecondOfTwo(Workers):
    """A worker that needs no other: the chief's values are given."""

    part = Part(1, 2)

    def __init__(self, chiefs: Any) -> None:
        self.chiefs = chiefs

    def from_chief(self, make: Any) -> Any:
        return self.chiefs


def test_batch_normalization_is_refused(small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_stage, "workers_of_environment", lambda: SecondOfTwo(None))
    config = ModelConfig(type="ncf", batch_normalization=True)
    with pytest.raises(RecipeError, match=r"model\.batch_normalization: expected false with several workers"):
        training_stage.train(small_dataset, config, TRAINING, seed=0)


def test_workers_with_other_data_are_refused(small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_stage, "workers_of_environment", lambda: SecondOfTwo(["other"]))
    with pytest.raises(DataError, match="worker 1: expected the recipe, seed and data of the chief"):
        training_stage.train(small_dataset, HISTORY, TRAINING, seed=0)


def test_validation_of_the_parts_adds_up(small_dataset: Dataset) -> None:
    split = train_validation_split(small_dataset, 0)
    validation = validation_of(build_model(HISTORY, users=split.users, items=split.items), split)
    assert validation.share is not None
    expected = validation.metrics()
    parts = [validation.share(Part(index, 3)) for index in range(3)]
    for name, value in expected.items():
        assert sum(metrics[name] * weight for metrics, weight in parts) == pytest.approx(value)
    many = len(split.validation) + 1  # then each validates on all
    assert validation.share(Part(0, many)) == (expected, 1.0 / many)
