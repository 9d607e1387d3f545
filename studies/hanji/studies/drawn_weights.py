"""Random weights in place of trained ones, for measuring a file's size and speed.

The usual initialization is not suitable: all biases are zero, all normalizations are equal, and converters
store equal tensors only once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tf_keras as keras

_SPREAD = 0.05
_POSITIVE = ("gamma", "moving_variance")
"""Around one in a trained batch normalization, and not negative."""


def draw_weights(model: keras.Model) -> None:
    """Set every weight of ``model`` to small random numbers, with a fixed seed."""
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
        threshold = np.quantile(np.abs(kernel), sparsity)
        layer.kernel.assign(np.where(np.abs(kernel) < threshold, 0.0, kernel))


__all__ = ["draw_weights", "zero_smallest"]
