"""Layers that average a network's logits over an image and its mirror image (test-time augmentation).

This doubles the compute for a slightly higher accuracy, which is useful for a teacher. Both images are in one
batch, so the layers in between and their weights are those of the plain network.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras

Tensor = Any


@keras.saving.register_keras_serializable(package="hanji")
class WithMirror(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Images [B, h, w, c] → [2·B, h, w, c]: the images, followed by their horizontal mirror images."""

    def call(self, images: Tensor) -> Tensor:
        """The same dtype as ``images``."""
        return tf.concat([images, tf.reverse(images, axis=[2])], axis=0)


@keras.saving.register_keras_serializable(package="hanji")
class MeanOfBoth(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Logits [2·B, classes] of images and their mirror images → their means [B, classes]."""

    def call(self, logits: Tensor) -> Tensor:
        """The same dtype as ``logits``."""
        first, second = tf.split(logits, 2, axis=0)
        return 0.5 * (first + second)


__all__ = ["MeanOfBoth", "WithMirror"]
