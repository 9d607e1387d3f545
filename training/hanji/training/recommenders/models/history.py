"""The history model: it represents users by their histories, so it also works for users unseen in training.

    rows of the history  ──pooling──►  user  ──·  rows of all items (+ tower)──►  logits

Its pooling (see ``pooling``) knows the order of the history or does not. A model that does can be trained at
every position of a sequence at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.padding import PADDING
from hanji.training.recommenders.models.pooling import Segments, TimescalePooling, pooling_of
from hanji.training.recommenders.models.rows import rounded_rows

Tensor = Any


class HistoryModel(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Maps histories, ragged int32 [B, None] of item indices, to float32 logits [B, items].

    ``row_bits`` quantizes each row of the item table to that many bits wherever it is used (see
    ``rounded_rows``), with a straight-through gradient.
    """

    def __init__(self, config: ModelConfig, items: int, *, row_bits: int | None = None) -> None:
        super().__init__(name="history")
        self.config, self.items, self.row_bits = config, items, row_bits
        size, stddev = config.embedding_size, config.embedding_stddev
        self.item_table = self._weight("item_table", (items, size), stddev)
        start = np.tile(np.eye(size, dtype=np.float32), (config.heads, 1)) / np.float32(config.heads)
        self.user_kernel = self._weight("user_kernel", start.shape, start)
        self.user_bias = self._weight("user_bias", (size,), "zeros")
        if config.user_units:
            self.user_in = self._weight("user_in", (size, config.user_units), "glorot_uniform")
            self.user_in_bias = self._weight("user_in_bias", (config.user_units,), "zeros")
            self.user_out = self._weight("user_out", (config.user_units, size), "zeros")
        self.pooling = pooling_of(config, self._weight)
        self._add_tower(config.hidden_units)

    def call(self, history: Tensor, training: bool | None = None) -> Tensor:
        """Logits over the whole catalogue for each history of a ragged batch."""
        return self.logits(history.values, history.value_rowids(), history.nrows())

    def logits(self, history: Tensor, users: Tensor, count: Tensor, items: Tensor = None) -> Tensor:
        """Logits float32 [count, items]; ``history`` int32 [N] belongs to ``users`` int [N], sorted.

        The oldest item of each user is first, if an order is known. With ``items`` int32 [n], all different,
        the logits [count, n] are those of these items, and ``history`` has positions in ``items``.
        """
        table = self.table(items)
        return self.scores_of(self.users_of(history, users, count, table), table)

    def users_of(self, history: Tensor, users: Tensor, count: Tensor, table: Tensor) -> Tensor:
        """User vectors [count, embedding_size] of histories as in ``logits``; ``table`` has their rows."""
        segments = Segments(
            pool=lambda values: tf.math.unsorted_segment_sum(values, users, count),
            spread=lambda values: tf.gather(values, users),
        )
        rows = tf.gather(table, history)
        present = tf.ones_like(rows[:, :1])
        ends = tf.cumsum(segments.pool(present))
        age = segments.spread(ends) - tf.cumsum(present)
        return self.user_of(segments.pool(self.weighted(rows, present, age, segments)))

    def weighted(self, rows: Tensor, present: Tensor, age: Tensor, segments: Segments) -> Tensor:
        """The terms of the pooled history, [N, heads · size]: each row with its weight in each head.

        The arguments are those of ``Pooling.weights``.
        """
        weights = self.pooling.weights(rows, present, age, segments)
        return tf.concat([weights[:, head : head + 1] * rows for head in range(self.pooling.heads)], axis=1)

    def states(self, sequences: Tensor, table: Tensor, training: bool | None = None) -> Tensor:
        """The user vector after each position of ``sequences``, float32 [B, T, embedding_size].

        ``sequences`` int32 [B, T] has items as positions in ``table``, oldest first, with PADDING at the end.
        Later items do not affect a state. All sums over the past are one product with a Toeplitz matrix.
        TypeError unless the pooling knows the order.
        """
        if not isinstance(self.pooling, TimescalePooling):
            raise TypeError(f"expected history_pooling timescales, found {self.config.history_pooling}")
        size, shape = self.config.embedding_size, tf.shape(sequences)
        present = tf.cast(sequences != PADDING, tf.float32)[..., None]
        rows = tf.gather(table, tf.maximum(sequences, 0)) * present
        if training and self.config.embedding_dropout:
            rows = tf.nn.dropout(rows, self.config.embedding_dropout)
        by_time = tf.reshape(tf.transpose(rows, [1, 0, 2]), [shape[1], -1])
        pooled = tf.reshape(self.pooling.causal(shape[1]), [-1, shape[1]]) @ by_time
        by_head = tf.reshape(pooled, [self.pooling.heads, shape[1], shape[0], size])
        concatenated = [shape[0], shape[1], self.pooling.heads * size]
        return self.user_of(tf.reshape(tf.transpose(by_head, [2, 1, 0, 3]), concatenated))

    def table(self, items: Tensor = None) -> Tensor:
        """The item embedding table [items, embedding_size], or its rows ``items``; quantized if ``row_bits``
        is set."""
        rows = self.item_table if items is None else tf.gather(self.item_table, items)
        return rounded_rows(rows, self.row_bits) if self.row_bits else tf.identity(rows)

    def user_of(self, pooled: Tensor) -> Tensor:
        """User vectors [..., embedding_size] from pooled histories [..., heads · embedding_size]."""
        user = self.user_straight(pooled)
        return user + self.user_hidden(user) @ self.user_out if self.config.user_units else user

    def user_straight(self, pooled: Tensor) -> Tensor:
        """The linear path from pooled histories to user vectors."""
        return pooled @ self.user_kernel + self.user_bias

    def user_hidden(self, user: Tensor) -> Tensor:
        """The hidden layer parallel to the linear path, [..., user_units]."""
        return tf.nn.relu(user @ self.user_in + self.user_in_bias)

    def scores_of(self, user: Tensor, table: Tensor) -> Tensor:
        """Logits [B, items]: the product with each item's row, plus the output of the tower, if any."""
        scores = tf.matmul(user, table, transpose_b=True)
        if not self.tower:
            return scores
        hidden = self.tower_hidden(user, self.tower_items(table))[-1]
        count = tf.shape(user)[0]
        return scores + tf.reshape(tf.reshape(hidden, [-1, hidden.shape[-1]]) @ self.tower_head, [count, -1])

    def scores_of_pairs(self, user: Tensor, rows: Tensor) -> Tensor:
        """Logits [n] of n user vectors [n, embedding_size], each for one row of as many ``rows``."""
        scores = tf.reduce_sum(user * rows, axis=1)
        if not self.tower:
            return scores
        hidden = tf.nn.relu(user @ self.tower[0][0] + self.tower_items(rows))
        for kernel, bias in self.tower[1:]:
            hidden = tf.nn.relu(hidden @ kernel + bias)
        return scores + (hidden @ self.tower_head)[:, 0]

    def tower_items(self, table: Tensor) -> Tensor:
        """The items' half of the tower's first layer [items, hidden_units[0]], independent of the user."""
        return table @ self.tower_item_kernel + self.tower[0][1]

    def tower_hidden(self, user: Tensor, items: Tensor) -> list[Tensor]:
        """Each hidden layer [B, n, units] for users [B, embedding_size] and n rows of ``tower_items``."""
        hidden = tf.nn.relu((user @ self.tower[0][0])[:, None, :] + items[None])
        layers = [hidden]
        for kernel, bias in self.tower[1:]:
            layers.append(tf.nn.relu(layers[-1] @ kernel + bias))
        return layers

    def _add_tower(self, units: Sequence[int]) -> None:
        self.tower: list[tuple[Any, Any]] = []
        before = self.config.embedding_size
        for index, width in enumerate(units):
            kernel = self._weight(f"tower_{index}", (before, width), "glorot_uniform")
            self.tower.append((kernel, self._weight(f"tower_{index}_bias", (width,), "zeros")))
            before = width
        if units:
            shape = (self.config.embedding_size, units[0])
            self.tower_item_kernel = self._weight("tower_item", shape, "glorot_uniform")
            self.tower_head = self._weight("tower_head", (before, 1), "zeros")

    def _weight(self, name: str, shape: tuple[int, ...], initial: str | float | NDArray[np.float32]) -> Any:
        if isinstance(initial, float):
            return self.add_weight(name, shape, initializer=keras.initializers.RandomNormal(stddev=initial))
        if isinstance(initial, np.ndarray):
            initial = keras.initializers.Constant(initial)
        return self.add_weight(name, shape, initializer=initial)


__all__ = ["HistoryModel"]
