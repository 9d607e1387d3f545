"""The signature of a classifier, as a TensorFlow function over a Keras model.

    classify   image uint8 [1, h, w, c]  → probabilities float32 [1, classes]

The input is int32 in TF.js, which has no uint8.

Normalization and softmax are part of the graph, so that no caller can get them wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from hanji.compression.classifiers.networks import without_xla
from hanji.export.classifiers.formats.names import IMAGE, PROBABILITIES
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.objectives import normalization

PREPROCESSING = "hanji_prepare"
POSTPROCESSING = "hanji_answer"
"""Name scopes of pre- and postprocessing: operators in them stay in float32 under every scheme."""

_ONE = np.float32(1)


class _Hidden:
    """Hides a model from ``tf.Module``'s attribute tracking."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model


class ClassifySignature(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """``classify`` for a network that takes normalized images float32 [B, h, w, c] and returns logits."""

    def __init__(
        self, model: keras.Model, image_input: ImageInput, temperature: float, *, dtype: Any = tf.uint8
    ) -> None:
        super().__init__(name="hanji")
        # If it tracked the model, TensorFlow would save every layer as separate functions, which takes longer
        # than everything else; only the variables have to be tracked.
        self._hidden = _Hidden(model)
        self._variables = list(model.variables)
        self.image_input = image_input
        # Never exactly 1: converters drop a product with 1, and then quantize the softmax as well.
        self._scale = np.float32(1.0 / temperature) if temperature != 1.0 else np.nextafter(_ONE, _ONE + 1)
        image = tf.TensorSpec([1, *image_input.shape], dtype, IMAGE)
        self.classify = tf.function(self._classify, input_signature=[image], autograph=False)

    def _prepared(self, image: Any) -> Any:
        """The same result as ``normalized`` in training, bit for bit, in a shape that engines process fast.

        If the channels differ, a row of pixels is one vector: with three elements in the last dimension,
        LiteRT processes three at a time, which takes a third as long as a whole int8 MobileNet.
        """
        mean, scale = normalization(self.image_input)
        levels = tf.cast(image, tf.float32)
        if len({*zip(mean.tolist(), scale.tolist(), strict=True)}) == 1:
            return (levels - mean[0]) * scale[0]
        _, height, width, channels = image.shape
        rows = tf.reshape(levels, [1, height, width * channels])
        return tf.reshape((rows - np.tile(mean, width)) * np.tile(scale, width), image.shape)

    @property
    def model(self) -> keras.Model:
        """The network."""
        return self._hidden.model

    def _classify(self, image: Any) -> dict[str, Any]:
        with tf.name_scope(PREPROCESSING):
            prepared = self._prepared(image)
        with without_xla(self.model):
            logits = self.model(prepared, training=False)
        with tf.name_scope(POSTPROCESSING):
            return {PROBABILITIES: tf.nn.softmax(logits * self._scale)}


__all__ = ["POSTPROCESSING", "PREPROCESSING", "ClassifySignature"]
