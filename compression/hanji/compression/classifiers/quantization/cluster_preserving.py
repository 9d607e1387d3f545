"""Quantization-aware training that preserves the clusters of a kernel.

TFMOT's own cluster-preserving quantizer (tfmot.experimental.combine) uses separate centroids and a separate
scale for each output channel: the quantized kernel then has as many distinct values as without clustering,
and a compressed file is hardly smaller. Here the centroids are shared by the whole kernel and quantized with
one scale, so a kernel with 16 centroids is stored as 16 distinct bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tensorflow_model_optimization.python.core.quantization.keras import quantizers

CENTROIDS = "shared_values"
"""Name of the variable with the centroids, which are trained instead of the kernel."""


class SharedCentroids(quantizers.LastValueQuantizer):  # type: ignore[misc]  # TFMOT has no types
    """Quantizes a kernel to 8 bits; the assignment of weights to centroids is fixed, and zeros stay zero."""

    def __init__(self) -> None:
        super().__init__(num_bits=8, per_axis=False, symmetric=True, narrow_range=True)

    def build(self, tensor_shape: Any, name: str, layer: keras.layers.Layer) -> dict[str, Any]:
        """The centroids as a new variable, and the cluster index of each weight."""
        kernel = getattr(layer.layer, name)
        centroids, cluster = np.unique(kernel.numpy(), return_inverse=True)
        initial = keras.initializers.Constant(centroids)
        variables = super().build(tensor_shape, name, layer)
        return {
            **variables,
            "kernel": kernel,
            "centroids": layer.add_weight(CENTROIDS, centroids.shape, initializer=initial, trainable=True),
            "cluster": tf.constant(cluster.reshape(kernel.shape), tf.int32),
            "not_zero": tf.constant(centroids != 0.0, tf.float32),
        }

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """The quantized kernel; in training it is gathered from the centroids."""
        if training:
            clustered = tf.gather(weights["centroids"] * weights["not_zero"], weights["cluster"])
            weights["kernel"].assign(clustered)
            inputs = clustered + 0.0 * inputs  # optimizers warn about weights without any gradient
        return super().__call__(inputs, training, weights, **kwargs)


__all__ = ["CENTROIDS", "SharedCentroids"]
