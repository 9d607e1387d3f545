"""Steps that touch few rows of a table: the lazy optimizer and average, compared with the dense ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from hanji.training.fitting.lazy_adam import LazyAdam
from hanji.training.fitting.prefetch import prefetched
from hanji.training.fitting.supervision import Objective
from hanji.training.fitting.train_step import TrainStep

ROWS, STEPS, DECAY = 6, 12, 0.9


class Table(keras.Model):  # type: ignore[misc]  # Keras has no types
    """A table and a vector; the loss moves the gathered rows towards a target."""

    def __init__(self) -> None:
        super().__init__()
        start = np.random.default_rng(0).normal(size=(ROWS, 3)).astype(np.float32)
        self.table = self.add_weight("table", (ROWS, 3))
        self.vector = self.add_weight("vector", (3,), initializer="ones")
        self.table.assign(start)


def loss(model: Table, rows: Any, target: Any) -> Any:
    return tf.reduce_sum(tf.square(tf.gather(model.table, rows) * model.vector - target))


def step_of(model: Table, optimizer: Any, *, sparse: bool) -> TrainStep:
    specs = (tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, 3], tf.float32))
    return TrainStep(model, Objective(loss, specs, sparse=sparse), optimizer, average_decay=DECAY)


def batch(rows: list[int], seed: int) -> tuple[Any, ...]:
    target = np.random.default_rng(seed).normal(size=(len(rows), 3))
    return np.array(rows, np.int32), target.astype(np.float32)


def test_lazy_adam_is_adam_if_every_row_is_touched() -> None:
    dense, lazy = Table(), Table()
    steps = (
        step_of(dense, keras.optimizers.Adam(0.1), sparse=False),
        step_of(lazy, LazyAdam(0.1), sparse=True),
    )
    for number in range(STEPS):
        for step in steps:
            step(batch(list(range(ROWS)), number))
    for one, other in zip(dense.get_weights(), lazy.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    for one, other in zip(*(step.average_weights() for step in steps), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_lazy_adam_leaves_other_rows_and_their_moments() -> None:
    model = Table()
    step = step_of(model, LazyAdam(0.1), sparse=True)
    before = model.table.numpy()
    step(batch([1, 4], 0))
    moments = [value for value in step.optimizer_weights() if value.shape == before.shape]
    for after in (model.table.numpy() - before, *moments):
        assert np.abs(after).any(axis=1).tolist() == [False, True, False, False, True, False]


@pytest.mark.parametrize("resumed", [False, True])
def test_the_lazy_average_is_the_average_of_all_steps(resumed: bool) -> None:
    model = Table()
    step = step_of(model, LazyAdam(0.1), sparse=True)
    expected = [weight.copy() for weight in model.get_weights()]
    for number in range(1, STEPS + 1):
        step(batch([number % ROWS, (number * number + 1) % ROWS][: 1 + number % 2], number))
        decay = min(DECAY, (1.0 + number) / (10.0 + number))
        for average, weight in zip(expected, model.get_weights(), strict=True):
            average[...] = decay * average + (1.0 - decay) * weight
        if resumed and number == STEPS // 2:
            state = model.get_weights(), step.average_weights(), step.optimizer_weights()
            step = step_of(model, LazyAdam(0.1), sparse=True)
            step.restore(*state)
    for found, wanted in zip(step.average_weights(), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    with step.averaged():
        np.testing.assert_allclose(model.table.numpy(), expected[0], rtol=1e-4, atol=1e-5)


def test_a_second_moment_decays_while_its_row_is_not_touched() -> None:
    model, decay = Table(), 0.999
    optimizer = LazyAdam(0.1)
    step = step_of(model, optimizer, sparse=True)
    step(batch([2], 0))
    first = optimizer._velocities[0].numpy()[2]
    for number in range(1, 5):
        step(batch([0], number))
    target = batch([2], 9)
    with tf.GradientTape() as tape:
        value = loss(model, *target)
    gradient = tf.convert_to_tensor(tape.gradient(value, model.table)).numpy()[2]
    step(target)
    expected = first * decay**5 + gradient**2 * (1.0 - decay)
    np.testing.assert_allclose(optimizer._velocities[0].numpy()[2], expected, rtol=1e-3)


def test_prefetched_batches_keep_their_order_and_errors() -> None:
    def batches(count: int) -> Iterator[int]:
        yield from range(count)
        raise ValueError("no more")

    assert list(prefetched(iter(range(5)))) == [0, 1, 2, 3, 4]
    assert list(prefetched(iter(()))) == []
    found = []
    with pytest.raises(ValueError, match="no more"):
        found.extend(prefetched(batches(3)))
    assert next(prefetched(batches(3))) == 0
