"""Pooling: how the item embeddings (rows) of a history become one vector for each head.

    weights [N, heads] of N rows  ──►  Σ weight · row for each head  ──►  pooled history [B, heads · size]

Each row's weight is divided by a power of the sum of the weights (for ``sum`` and ``attention`` of the length
of the history), which controls how much a long history raises the logits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from hanji.training.recommenders.models.config import ModelConfig

Tensor = Any
AddWeight = Callable[[str, tuple[int, ...], Any], Any]
"""Name, shape and initial value (a standard deviation, the name of an initializer or an array)."""

_SMALLEST_LENGTH = 1.0  # an empty history is divided by one, not by zero
_SMALLEST_TOTAL = 1e-9


@dataclass(frozen=True)
class Segments:
    """Assigns rows to users: ``pool`` sums rows [N, d] per user to [B, d], ``spread`` broadcasts back."""

    pool: Callable[[Tensor], Tensor]
    spread: Callable[[Tensor], Tensor]


SINGLE_USER = Segments(
    pool=lambda rows: tf.reduce_sum(rows, axis=0, keepdims=True), spread=lambda values: values
)
"""All rows belong to one user, as on a device."""


class Pooling(Protocol):
    """The weight of each row of a history in each head."""

    heads: int

    def weights(self, rows: Tensor, present: Tensor, age: Tensor, segments: Segments) -> Tensor:
        """The weights [N, heads] of ``rows`` [N, size].

        ``present`` [N, 1] is 0 for padding, else 1; ``age`` [N, 1] counts the later items of the history.
        """
        ...


class SumPooling:
    """A sum, independent of the order."""

    heads = 1

    def __init__(self, config: ModelConfig) -> None:
        self._exponent = config.history_length_exponent

    def weights(self, rows: Tensor, present: Tensor, age: Tensor, segments: Segments) -> Tensor:
        """See Pooling."""
        length = tf.maximum(segments.pool(present), _SMALLEST_LENGTH)
        return present * segments.spread(length ** (1.0 - self._exponent) / length)


class AttentionPooling:
    """Attention conditioned on the user's state (as in Bahdanau et al. 2015), independent of the order:
    α = softmax(vᵀ tanh(W h_i + U s)), where s is the mean of the rows."""

    heads = 1

    def __init__(self, config: ModelConfig, add_weight: AddWeight) -> None:
        size, units = config.embedding_size, config.attention_units
        self._exponent = config.history_length_exponent
        self.item = add_weight("attention_item", (size, units), "glorot_uniform")
        self.user = add_weight("attention_user", (size, units), "glorot_uniform")
        self.vector = add_weight("attention_vector", (units, 1), "zeros")

    def weights(self, rows: Tensor, present: Tensor, age: Tensor, segments: Segments) -> Tensor:
        """See Pooling."""
        length = tf.maximum(segments.pool(present), _SMALLEST_LENGTH)
        scaled = length ** (1.0 - self._exponent)
        state = segments.pool(present * rows) / length
        hidden = tf.tanh(rows @ self.item + segments.spread(state @ self.user))
        # tanh bounds the exponent by |v|₁, so no maximum has to be subtracted to prevent overflow.
        attention = present * tf.exp(hidden @ self.vector)
        total = tf.maximum(segments.pool(attention), _SMALLEST_TOTAL)
        return attention * segments.spread(scaled / total)


class TimescalePooling:
    """Several sums, each with a learned weight for each age: what is recent, what lasts, and what is between.

    Age is the number of later items; items older than ``history_ages`` do not count. The weights start as a
    power law of the age, as in human forgetting (Wixted and Ebbesen 1991), with another exponent in each
    head, and are then free.
    """

    EXPONENTS = (0.0, 1.0, 0.5, 2.0, 0.25, 1.5, 0.75, 3.0)
    """Of the initial power law of each head."""

    def __init__(self, config: ModelConfig, add_weight: AddWeight) -> None:
        self.heads, self.ages = config.history_heads, config.history_ages
        self._exponent = config.history_length_exponent
        ages = np.arange(self.ages, dtype=np.float32)[:, None]
        start = -np.log1p(ages) * np.array(self.EXPONENTS[: self.heads], np.float32)
        self.log_weights = add_weight("log_age_weights", start.shape, start)

    def weights(self, rows: Tensor, present: Tensor, age: Tensor, segments: Segments) -> Tensor:
        """See Pooling."""
        ages = tf.minimum(tf.cast(age[:, 0], tf.int32), self.ages)
        weights = present * tf.gather(self._by_age(), ages)
        total = tf.maximum(segments.pool(weights), _SMALLEST_TOTAL)
        return weights * segments.spread(total**-self._exponent)

    def causal(self, length: int | Tensor) -> Tensor:
        """The weights of all positions of a sequence after each of them, [heads, length, length]."""
        positions = tf.range(length)
        ages = positions[:, None] - positions[None]
        # A later item has the index of the ages that do not count.
        ages = tf.where(ages < 0, self.ages, tf.minimum(ages, self.ages))
        weights = tf.transpose(tf.gather(self._by_age(), ages), [2, 0, 1])
        total = tf.maximum(tf.reduce_sum(weights, axis=2, keepdims=True), _SMALLEST_TOTAL)
        return weights * total**-self._exponent

    def _by_age(self) -> Tensor:
        """The weight of each age [ages + 1, heads]; the last one is of all that do not count."""
        return tf.concat([tf.exp(self.log_weights), tf.zeros([1, self.heads])], axis=0)


def pooling_of(config: ModelConfig, add_weight: AddWeight) -> Pooling:
    """The pooling of a model of this config, whose weights are made by ``add_weight``."""
    if config.history_pooling == "timescales":
        return TimescalePooling(config, add_weight)
    if config.history_pooling == "attention":
        return AttentionPooling(config, add_weight)
    return SumPooling(config)


__all__ = ["SINGLE_USER", "Pooling", "Segments", "TimescalePooling", "pooling_of"]
