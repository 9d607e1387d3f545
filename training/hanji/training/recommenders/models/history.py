"""The history model: it represents users by their histories, so it also works for users unseen in training.

    rows of the history  ──pooling──►  user  ──·  rows of all items (+ tower)──►  logits

Pooling is a sum over the item embeddings (rows) of the history, or attention conditioned on the user's state
(as in Bahdanau et al. 2015): α = softmax(vᵀ tanh(W h_i + U s)), where s is the plain mean. In both cases the
sum is scaled by a power of the history's length, which controls how much a long history raises the logits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tf_keras as keras

from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.rows import rounded_rows

Tensor = Any
PADDING = -1
_SMALLEST_LENGTH = 1.0  # an empty history is divided by one, not by zero


@dataclass(frozen=True)
class Segments:
    """Assigns rows to users: ``pool`` sums rows [N, d] per user to [B, d], ``spread`` broadcasts back."""

    pool: Callable[[Tensor], Tensor]
    spread: Callable[[Tensor], Tensor]


SINGLE_USER = Segments(
    pool=lambda rows: tf.reduce_sum(rows, axis=0, keepdims=True), spread=lambda values: values
)
"""All rows belong to one user, as on a device."""


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
        self.user_kernel = self._weight("user_kernel", (size, size), "identity")
        self.user_bias = self._weight("user_bias", (size,), "zeros")
        if config.user_units:
            self.user_in = self._weight("user_in", (size, config.user_units), "glorot_uniform")
            self.user_in_bias = self._weight("user_in_bias", (config.user_units,), "zeros")
            self.user_out = self._weight("user_out", (config.user_units, size), "zeros")
        if config.history_pooling == "attention":
            units = config.attention_units
            self.attention_item = self._weight("attention_item", (size, units), "glorot_uniform")
            self.attention_user = self._weight("attention_user", (size, units), "glorot_uniform")
            self.attention_vector = self._weight("attention_vector", (units, 1), "zeros")
        if config.history_order:
            self.forgetting = self._weight("forgetting", (1, 1), "zeros")
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
        weights = self.pooling_weights(rows, present, age, segments)
        return self.user_of(segments.pool(weights * rows))

    def table(self, items: Tensor = None) -> Tensor:
        """The item embedding table [items, embedding_size], or its rows ``items``; quantized if ``row_bits``
        is set."""
        rows = self.item_table if items is None else tf.gather(self.item_table, items)
        return rounded_rows(rows, self.row_bits) if self.row_bits else tf.identity(rows)

    def pooling_weights(self, rows: Tensor, present: Tensor, age: Tensor, segments: Segments) -> Tensor:
        """The weight of each row, [N, 1].

        ``present`` [N, 1] is 0 for padding, else 1; ``age`` [N, 1] counts the later items of the history.
        """
        if self.config.history_order:
            # Power-law decay with age, as in human forgetting (Wixted and Ebbesen 1991); learned exponent.
            present = present * tf.exp(-self.forgetting * tf.math.log(1.0 + age))
        length = tf.maximum(segments.pool(present), _SMALLEST_LENGTH)
        scaled = length ** (1.0 - self.config.history_length_exponent)
        if self.config.history_pooling == "sum":
            return present * segments.spread(scaled / length)
        state = segments.pool(present * rows) / length
        hidden = tf.tanh(rows @ self.attention_item + segments.spread(state @ self.attention_user))
        # tanh bounds the exponent by |v|₁, so no maximum has to be subtracted to prevent overflow.
        attention = present * tf.exp(hidden @ self.attention_vector)
        total = tf.maximum(segments.pool(attention), 1e-9)
        return attention * segments.spread(scaled / total)

    def user_of(self, pooled: Tensor) -> Tensor:
        """User vectors [B, embedding_size] from pooled histories of the same shape."""
        user = self.user_straight(pooled)
        return user + self.user_hidden(user) @ self.user_out if self.config.user_units else user

    def user_straight(self, pooled: Tensor) -> Tensor:
        """The linear path from pooled histories to user vectors, [B, embedding_size]."""
        return pooled @ self.user_kernel + self.user_bias

    def user_hidden(self, user: Tensor) -> Tensor:
        """The hidden layer parallel to the linear path, [B, user_units]."""
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

    def _weight(self, name: str, shape: tuple[int, ...], initial: str | float) -> Any:
        initializer = (
            keras.initializers.RandomNormal(stddev=initial) if isinstance(initial, float) else initial
        )
        return self.add_weight(name, shape, initializer=initializer)


__all__ = ["PADDING", "SINGLE_USER", "HistoryModel", "Segments"]
