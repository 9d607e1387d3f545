"""A network that looks at a picture and at its mirror image, and says the mean of both.

It costs twice the work and is a little more often right: for a teacher. Both lie in one batch, so the layers
in between are those of the plain network, and so are the weights.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras

Tensor = Any


@keras.saving.register_keras_serializable(package="hanji")
class WithMirror(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Pictures [B, h, w, c] → [2·B, h, w, c], the mirror images (left to right) behind them."""

    def call(self, images: Tensor) -> Tensor:
        """The same dtype as ``images``."""
        return tf.concat([images, tf.reverse(images, axis=[2])], axis=0)


@keras.saving.register_keras_serializable(package="hanji")
class MeanOfBoth(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Logits [2·B, classes] of pictures and their mirror images → their means [B, classes]."""

    def call(self, logits: Tensor) -> Tensor:
        """The same dtype as ``logits``."""
        first, second = tf.split(logits, 2, axis=0)
        return 0.5 * (first + second)


__all__ = ["MeanOfBoth", "WithMirror"]
