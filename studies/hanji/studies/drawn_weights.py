"""Weights that stand in for trained ones where only a file's size and speed are asked for.

Freshly initialized networks will not do: their biases are all zero and their normalizations all alike, and
converters store equal tensors once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tf_keras as keras

_SPREAD = 0.05
_POSITIVE = ("gamma", "moving_variance")
"""Near one in a trained batch normalization, and never below zero."""


def draw_weights(model: keras.Model) -> None:
    """Small random numbers, the same each time, in every weight of ``model``."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        drawn = rng.normal(0.0, _SPREAD, weight.shape.as_list())
        if any(part in weight.name for part in _POSITIVE):
            drawn = 1.0 + np.abs(drawn)
        weight.assign(drawn.astype(np.float32))


def zero_smallest(model: keras.Model, layers: Sequence[str], sparsity: float) -> None:
    """Set the fraction ``sparsity`` of each named layer's kernel to zero, the smallest weights first."""
    for name in layers:
        layer: Any = model.get_layer(name)
        kernel = layer.kernel.numpy()
        bound = np.quantile(np.abs(kernel), sparsity)
        layer.kernel.assign(np.where(np.abs(kernel) < bound, 0.0, kernel))


__all__ = ["draw_weights", "zero_smallest"]
