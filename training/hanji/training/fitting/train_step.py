"""Gradient steps, with a moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.training.fitting.compilation import compiled
from hanji.training.fitting.distribution import ALONE, Workers
from hanji.training.fitting.moving_average import LazyMovingAverage, MovingAverage
from hanji.training.fitting.supervision import Objective


class TrainStep:
    """A step of an optimizer on an objective, compiled once; ``workers`` compute a part of the batch each."""

    def __init__(
        self,
        model: keras.Model,
        objective: Objective,
        optimizer: keras.optimizers.Optimizer,
        *,
        average_decay: float,
        workers: Workers = ALONE,
    ) -> None:
        self.model = model
        self.objective = objective
        self._optimizer = optimizer
        self._decay = average_decay
        self._workers = workers
        kind = LazyMovingAverage if objective.sparse else MovingAverage
        with workers.scope():
            self._optimizer.build(model.trainable_variables)
            self._average = kind(model.trainable_variables, average_decay)
            self._loss = tf.Variable(0.0, trainable=False)
        self._steps = 0
        self._rate: float | None = None
        self._batch_loss = workers.weighted(self._unweighted_loss)
        self._compiled = compiled(workers.replicated(self._step), workers.batch_of(objective))

    def begin_epoch(self) -> None:
        """Reset the mean loss."""
        self._loss.assign(0.0)
        self._steps = 0

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of the following steps."""
        if rate != self._rate:
            self._optimizer.learning_rate.assign(rate)
            self._rate = rate

    def __call__(self, batch: tuple[Any, ...]) -> None:
        """Run one step on the arrays of one batch, which is the same for all workers."""
        self._steps += 1
        self._compiled(*(tf.constant(array) for array in self._workers.share_of(batch, self.objective)))

    def mean_loss(self) -> float:
        """Mean loss since the epoch began."""
        return float(self._loss.numpy()) / max(self._steps, 1)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside the block the model has the averaged weights."""
        if not self._decay:
            yield
            return
        saved = [weight.numpy() for weight in self.model.trainable_variables]
        _assign(self.model.trainable_variables, self._average.values())
        try:
            yield
        finally:
            _assign(self.model.trainable_variables, saved)

    def average_weights(self) -> list[NDArray[np.float32]]:
        """The averages, in the order of the trainable variables."""
        return self._average.values()

    def optimizer_weights(self) -> list[NDArray[Any]]:
        """The optimizer's variables."""
        return [weight.numpy() for weight in self._optimizer.variables]

    def restore(self, weights: list[Any], average: list[Any], optimizer: list[Any]) -> None:
        """Resume from a saved state."""
        self.model.set_weights(weights)
        self._average.restore(average)
        _assign(self._optimizer.variables, optimizer)

    def _step(self, *batch: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = self._batch_loss(*batch)
        variables = self.model.trainable_variables
        gradients = tape.gradient(loss, variables)
        gradients, loss = self._workers.summed(gradients, variables, loss, self.objective)
        before = self._average.before_step(gradients) if self._decay else []
        self._workers.apply(self._optimizer, gradients, variables)
        self._loss.assign_add(loss)
        if self._decay:
            self._average.after_step(before, self._optimizer.iterations)

    def _unweighted_loss(self, *batch: tf.Tensor) -> tf.Tensor:
        return tf.add_n([self.objective.loss(self.model, *batch), *self.model.losses])


def _assign(variables: list[tf.Variable], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
