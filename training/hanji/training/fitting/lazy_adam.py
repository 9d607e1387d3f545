"""Adam for tables of which a step uses few rows."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras


class LazyAdam(keras.optimizers.Adam):  # type: ignore[misc]  # Keras has no types
    """Adam (Kingma and Ba 2015) that updates only those rows of a table that a step has gathered.

    Keras's Adam changes all rows in every step, at the cost of the whole table. Here, a row changes only with
    a gradient of its own. Its first moment is then that of its own gradients, as in TensorFlow Addons'
    optimizer of the same name. Its second moment has decayed in all steps since, as Adam's: without that,
    rows that are gathered rarely would move too slowly. If every row is gathered in every step, both
    optimizers are the same.
    """

    def build(self, var_list: list[Any]) -> None:
        """Add the step in which each row was last gathered to Adam's variables."""
        if not getattr(self, "_built", False):
            self._last = [
                self.add_variable((variable.shape[0],), tf.float32, name="last") for variable in var_list
            ]
        super().build(var_list)

    def update_step(self, gradient: Any, variable: Any) -> None:
        """Apply a dense gradient as Adam does, and ``tf.IndexedSlices`` to their rows, which are unique."""
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable)
            return
        rows, values = gradient.indices, gradient.values
        index = self._index_dict[self._var_key(variable)]
        step = tf.cast(self.iterations + 1, variable.dtype)
        idle = step - 1.0 - tf.gather(self._last[index], rows)
        self._last[index].scatter_update(tf.IndexedSlices(tf.fill(tf.shape(rows), step), rows))
        momentum = _moved(self._momentums[index], rows, values, self.beta_1, 1.0)
        decayed = (self.beta_2**idle)[:, None]
        velocity = _moved(self._velocities[index], rows, tf.square(values), self.beta_2, decayed)
        correction = tf.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)
        change = self.learning_rate * correction * momentum / (tf.sqrt(velocity) + self.epsilon)
        variable.scatter_sub(tf.IndexedSlices(change, rows))


def _moved(moment: Any, rows: Any, values: Any, decay: float, left: Any) -> Any:
    """The given rows of a moment times ``left``, moved towards ``values`` and stored."""
    before = tf.gather(moment, rows) * left
    after = before + (values - before) * (1.0 - decay)
    moment.scatter_update(tf.IndexedSlices(after, rows))
    return after


__all__ = ["LazyAdam"]
