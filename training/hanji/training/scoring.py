"""Scores of a Keras recommender as numpy arrays, in batches that fit in memory."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

BATCH = 1 << 18


class KerasScorer:
    """Logits of a model that may still be changing: it is compiled once and reads the weights anew."""

    def __init__(self, model: keras.Model) -> None:
        self._call = tf.function(
            lambda user, item: model([user, item], training=False)[:, 0],
            input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int32)],
        )

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items."""
        parts = [
            self._call(
                tf.constant(users[start : start + BATCH]), tf.constant(items[start : start + BATCH])
            ).numpy()
            for start in range(0, len(users), BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def catalogue(self, user: int, items: int) -> NDArray[np.float32]:
        """float32 [items]: one user's scores over the whole catalogue."""
        return self.pairs(np.full(items, user, np.int32), np.arange(items, dtype=np.int32))
