"""Adam for tables of which a step uses few rows."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras


class LazyAdam(keras.optimizers.Adam):  # type: ignore[misc]  # Keras has no types
    """Adam (Kingma and Ba 2015) that updates only those rows of a table that a step has gathered.

    Keras's Adam decays the moments of all rows in every step, at the cost of the whole table. Here, a row's
    moments and value change only with a gradient of its own, as in TensorFlow Addons' optimizer of the same
    name. If every row is gathered in every step, both are the same.
    """

    def update_step(self, gradient: Any, variable: Any) -> None:
        """Apply a dense gradient as Adam does, and ``tf.IndexedSlices`` to their rows, which are unique."""
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable)
            return
        rows, values = gradient.indices, gradient.values
        index = self._index_dict[self._var_key(variable)]
        momentum = _moved(self._momentums[index], rows, values, self.beta_1)
        velocity = _moved(self._velocities[index], rows, tf.square(values), self.beta_2)
        step = tf.cast(self.iterations + 1, variable.dtype)
        correction = tf.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)
        change = self.learning_rate * correction * momentum / (tf.sqrt(velocity) + self.epsilon)
        variable.scatter_sub(tf.IndexedSlices(change, rows))


def _moved(moment: Any, rows: Any, values: Any, decay: float) -> Any:
    """The given rows of a moment, moved towards ``values`` and stored."""
    before = tf.gather(moment, rows)
    after = before + (values - before) * (1.0 - decay)
    moment.scatter_update(tf.IndexedSlices(after, rows))
    return after


__all__ = ["LazyAdam"]
