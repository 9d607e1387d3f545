"""The one question a classifier answers, as a TensorFlow function over a Keras model.

    classify   image uint8 [1, h, w, c]  → probabilities float32 [1, classes]

TF.js, which has no uint8, takes int32.

What turns levels into the network's input, and logits into probabilities, lies in the graph: wherever it
runs, nobody can get it wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from hanji.export.classifiers.formats.names import IMAGE, PROBABILITIES
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.objectives import normalization

PREPARATION = "hanji_prepare"
ANSWER = "hanji_answer"
"""Name scopes around the network: what lies in them stays in floats under every scheme."""

_ONE = np.float32(1)


class _Hidden:
    """Holds a model out of the sight of ``tf.Module``."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model


class ClassifySignature(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """``classify`` of a network that takes normalized pictures float32 [B, h, w, c] and gives logits."""

    def __init__(
        self, model: keras.Model, image_input: ImageInput, temperature: float, *, dtype: Any = tf.uint8
    ) -> None:
        super().__init__(name="hanji")
        # Of the model itself TensorFlow would save every layer as functions of their own, which takes longer
        # than all the rest: it is kept where it is not found, and the variables where they are.
        self._hidden = _Hidden(model)
        self._variables = list(model.variables)
        self.image_input = image_input
        # Never exactly 1: converters leave that product out, and then put the softmax in whole numbers, too.
        self._scale = np.float32(1.0 / temperature) if temperature != 1.0 else np.nextafter(_ONE, _ONE + 1)
        image = tf.TensorSpec([1, *image_input.shape], dtype, IMAGE)
        self.classify = tf.function(self._classify, input_signature=[image], autograph=False)

    def _prepared(self, image: Any) -> Any:
        """What ``normalized`` of training gives, to the last bit, in a shape that engines are quick with.

        Where channels differ, a row of pixels is one vector: with three numbers at the end of a shape, LiteRT
        computes three at a time, and takes as long for this as for a third of an int8 MobileNet.
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
        with tf.name_scope(PREPARATION):
            prepared = self._prepared(image)
        with _uncompiled(self.model):
            logits = self.model(prepared, training=False)
        with tf.name_scope(ANSWER):
            return {PROBABILITIES: tf.nn.softmax(logits * self._scale)}


@contextmanager
def _uncompiled(model: keras.Model) -> Iterator[None]:
    """Inside the block group convolutions are traced as what they are.

    Keras calls a function compiled by XLA instead, as TensorFlow itself has no such kernel on a CPU; no
    format knows of XLA.
    """
    grouped = [layer for layer in model.submodules if getattr(layer, "groups", 1) > 1]
    convolutions = [layer for layer in grouped if hasattr(layer, "_jit_compiled_convolution_op")]
    try:
        for layer in convolutions:
            layer._jit_compiled_convolution_op = layer.convolution_op
        yield
    finally:
        for layer in convolutions:
            del layer._jit_compiled_convolution_op


__all__ = ["ANSWER", "PREPARATION", "ClassifySignature"]
