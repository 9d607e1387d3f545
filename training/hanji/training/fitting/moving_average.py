"""Exponential moving averages of weights (Polyak and Juditsky 1992)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


class MovingAverage:
    """The averages of some ``variables``, all updated after each step at the cost of their size."""

    def __init__(self, variables: Sequence[tf.Variable], decay: float) -> None:
        self._variables, self._decay = list(variables), decay
        self._averages = [tf.Variable(variable, trainable=False) for variable in self._variables]

    def before_step(self, gradients: Sequence[Any]) -> list[Any]:
        """What ``after_step`` needs of each weight before it changes, given the step's gradients."""
        return [None] * len(gradients)

    def after_step(self, before: list[Any], steps: tf.Tensor) -> None:
        """Include the current weights; ``steps`` is the number of steps so far."""
        decay = self._decay_after(steps)
        for average, weight in zip(self._averages, self._variables, strict=True):
            average.assign(decay * average + (1.0 - decay) * weight)

    def values(self) -> list[NDArray[np.float32]]:
        """The averages as arrays."""
        return [average.numpy() for average in self._averages]

    def restore(self, values: Sequence[NDArray[np.float32]]) -> None:
        """Continue from what ``values`` returned."""
        for average, value in zip(self._averages, values, strict=True):
            average.assign(value)

    def _decay_after(self, steps: tf.Tensor) -> tf.Tensor:
        # The decay starts low so that the initial weights are soon forgotten, as in TensorFlow's
        # ExponentialMovingAverage with num_updates.
        done = tf.cast(steps, tf.float32)
        return tf.minimum(self._decay, (1.0 + done) / (10.0 + done))


class LazyMovingAverage(MovingAverage):
    """The same averages, up to rounding, where a step changes only the rows that its gradient has.

    Between two changes of a row its weight w is constant, so that the steps with the decays d move its
    average a to w + (a − w) ∏ d. This is done when the row changes, and for all rows in ``values``. The
    products are differences of a running sum of log d.
    """

    def __init__(self, variables: Sequence[tf.Variable], decay: float) -> None:
        super().__init__(variables, decay)
        self._log_decay = tf.Variable(0.0, trainable=False, dtype=tf.float64)
        self._included = [
            tf.Variable(tf.zeros(one.shape[0], tf.float64), trainable=False) for one in self._variables
        ]

    def before_step(self, gradients: Sequence[Any]) -> list[Any]:
        """For each gradient, its rows and their averages until now; for a dense one, None."""
        return [
            self._caught_up(index, gradient.indices) if isinstance(gradient, tf.IndexedSlices) else None
            for index, gradient in enumerate(gradients)
        ]

    def after_step(self, before: list[Any], steps: tf.Tensor) -> None:
        """See MovingAverage."""
        decay = self._decay_after(steps)
        log_decay = self._log_decay.assign_add(tf.math.log(tf.cast(decay, tf.float64)))
        for index, (average, weight, rows) in enumerate(
            zip(self._averages, self._variables, before, strict=True)
        ):
            if rows is None:
                average.assign(decay * average + (1.0 - decay) * weight)
                self._included[index].assign(tf.fill(self._included[index].shape, log_decay))
                continue
            changed = decay * rows.values + (1.0 - decay) * tf.gather(weight, rows.indices)
            average.scatter_update(tf.IndexedSlices(changed, rows.indices))
            marks = tf.fill(tf.shape(rows.indices), log_decay)
            self._included[index].scatter_update(tf.IndexedSlices(marks, rows.indices))

    def values(self) -> list[NDArray[np.float32]]:
        """The averages as arrays, with all steps included in all rows."""
        log_decay = self._log_decay.numpy()
        found = []
        for average, weight, included in zip(self._averages, self._variables, self._included, strict=True):
            share = np.exp(log_decay - included.numpy()).astype(np.float32)
            last = weight.numpy()
            found.append(last + (average.numpy() - last) * share.reshape(-1, *[1] * (last.ndim - 1)))
        return found

    def restore(self, values: Sequence[NDArray[np.float32]]) -> None:
        """See MovingAverage."""
        super().restore(values)
        for included in self._included:
            included.assign(tf.fill(included.shape, self._log_decay))

    def _caught_up(self, index: int, rows: Any) -> tf.IndexedSlices:
        weight = tf.gather(self._variables[index], rows)
        average = tf.gather(self._averages[index], rows)
        share = tf.exp(self._log_decay - tf.gather(self._included[index], rows))
        return tf.IndexedSlices(weight + (average - weight) * tf.cast(share, tf.float32)[:, None], rows)


__all__ = ["LazyMovingAverage", "MovingAverage"]
