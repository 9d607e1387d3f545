"""The two signatures of a history model, as TensorFlow functions over one Keras model.

    history   history int32 [L]                    → scores float32 [items]
    why       history int32 [L], item int32 [1]    → shares float32 [L]

A history consists of item indices; -1 is padding. Scores are logits. ``shares`` holds the contribution of
each history item to the score of ``item``: for fixed pooling weights and as long as no ReLU changes state,
the model is linear in the rows of the history, so the score is the sum of the shares and a constant.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.models.pooling import SINGLE_USER

HISTORY_SIGNATURES = ("history", "why")
Tensor = Any


class HistorySignatures(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """``history`` and ``why`` of a HistoryModel."""

    def __init__(self, model: HistoryModel) -> None:
        super().__init__(name="hanji")
        self.model = model
        history, item = tf.TensorSpec([None], tf.int32, "history"), tf.TensorSpec([1], tf.int32, "item")
        self.history = tf.function(self._history, input_signature=[history], autograph=False)
        self.why = tf.function(self._why, input_signature=[history, item], autograph=False)

    def _history(self, history: Tensor) -> dict[str, Tensor]:
        table = self.model.table()
        rows, weights = self._weighted(history, table)
        user = self.model.user_of(_pooled(rows, weights))
        return {"scores": tf.reshape(self.model.scores_of(user, table), [self.model.items])}

    def _why(self, history: Tensor, item: Tensor) -> dict[str, Tensor]:
        table = self.model.table()
        rows, weights = self._weighted(history, table)
        gradient = self._gradient(_pooled(rows, weights), tf.gather(table, item))
        by_head = tf.reshape(gradient, [weights.shape[1], rows.shape[1]])
        shares = weights * tf.matmul(rows, by_head, transpose_b=True)
        return {"shares": tf.reduce_sum(shares, axis=1)}

    def _weighted(self, history: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
        """The embedding rows of the history [L, size], and their pooling weights [L, heads]."""
        present = tf.cast(history >= 0, tf.float32)[:, None]
        rows = tf.gather(table, tf.maximum(history, 0))
        age = SINGLE_USER.pool(present) - tf.cumsum(present)
        return rows, self.model.pooling.weights(rows, present, age, SINGLE_USER)

    def _gradient(self, pooled: Tensor, item: Tensor) -> Tensor:
        """The gradient of the score of ``item`` (a row [1, size]) by the pooled one, [1, heads · size]."""
        model = self.model
        gradient = item
        if model.tower:
            gradient += self._tower_gradient(model.user_of(pooled), item)
        if model.config.user_units:
            active = _relu_mask(model.user_hidden(model.user_straight(pooled)))
            back = tf.matmul(gradient, model.user_out, transpose_b=True) * active
            gradient += tf.matmul(back, model.user_in, transpose_b=True)
        return tf.matmul(gradient, model.user_kernel, transpose_b=True)

    def _tower_gradient(self, user: Tensor, item: Tensor) -> Tensor:
        layers = self.model.tower_hidden(user, self.model.tower_items(item))
        gradient = tf.transpose(self.model.tower_head)
        for (kernel, _), hidden in zip(reversed(self.model.tower), reversed(layers), strict=True):
            gradient = tf.matmul(gradient * _relu_mask(hidden[0]), kernel, transpose_b=True)
        return gradient


def _pooled(rows: Tensor, weights: Tensor) -> Tensor:
    """The pooled history [1, heads · size]."""
    pooled = tf.matmul(weights, rows, transpose_a=True)
    return tf.reshape(pooled, [1, weights.shape[1] * rows.shape[1]])


def _relu_mask(hidden: Tensor) -> Tensor:
    """1 where the output of a ReLU is positive, else 0."""
    return tf.cast(hidden > 0.0, tf.float32)


__all__ = ["HISTORY_SIGNATURES", "HistorySignatures"]
