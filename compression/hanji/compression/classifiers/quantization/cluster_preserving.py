"""A kernel whose weights share a few values, kept so while it is trained with the rounding in the loop.

TFMOT has such a quantizer (tfmot.experimental.combine, cluster preserving), but it gives each output channel
values of its own, rounded on a scale of its own: in the file a kernel then holds as many different numbers
as before, and a zipped file is hardly smaller for the clustering. Here the values belong to the whole kernel
and are rounded on one scale, so a kernel of 16 values is stored as 16 different bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tensorflow_model_optimization.python.core.quantization.keras import quantizers

VALUES = "shared_values"
"""The name of the variable with the values, which is trained in the kernel's place."""


class SharedValues(quantizers.LastValueQuantizer):  # type: ignore[misc]  # TFMOT has no types
    """Rounds a kernel to 8 bits; which weights share a value stays, and a value of zero stays zero."""

    def __init__(self) -> None:
        super().__init__(num_bits=8, per_axis=False, symmetric=True, narrow_range=True)

    def build(self, tensor_shape: Any, name: str, layer: keras.layers.Layer) -> dict[str, Any]:
        """The values as a new variable, and which of them each weight has."""
        kernel = getattr(layer.layer, name)
        values, place = np.unique(kernel.numpy(), return_inverse=True)
        initial = keras.initializers.Constant(values)
        variables = super().build(tensor_shape, name, layer)
        return {
            **variables,
            "kernel": kernel,
            "values": layer.add_weight(VALUES, values.shape, initializer=initial, trainable=True),
            "place": tf.constant(place.reshape(kernel.shape), tf.int32),
            "not_zero": tf.constant(values != 0.0, tf.float32),
        }

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The rounded kernel; in training it is put together from the values."""
        if training:
            shared = tf.gather(weights["values"] * weights["not_zero"], weights["place"])
            weights["kernel"].assign(shared)
            inputs = shared + 0.0 * inputs  # optimizers complain of weights that have no gradient at all
        return super().__call__(inputs, training, weights, **kwargs)


__all__ = ["VALUES", "SharedValues"]
