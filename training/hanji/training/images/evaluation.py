"""A Keras classifier on pictures: its logits and its metrics."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.runtime.manifest import PictureInput
from hanji.training.images.data import Pictures
from hanji.training.images.metrics import metrics_of, probabilities_of
from hanji.training.images.objectives import normalized

_AT_ONCE = 500  # pictures in one call


class ClassifierScorer:
    """Logits of a model as it is at the time of the call, compiled once."""

    def __init__(self, model: keras.Model, picture: PictureInput) -> None:
        shape = [None, picture.height, picture.width, picture.channels]
        self._classes = int(model.output_shape[-1])
        self._logits = tf.function(
            lambda images: tf.cast(model(normalized(images, picture), training=False), tf.float32),
            input_signature=[tf.TensorSpec(shape, tf.uint8)],
        )

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Float32 [n, classes] of ``images`` uint8 [n, h, w, c]."""
        found = np.empty((len(images), self._classes), np.float32)
        for start in range(0, len(images), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            found[part] = self._logits(tf.constant(images[part])).numpy()
        return found


def evaluate_classifier(
    model: keras.Model, pictures: Pictures, picture: PictureInput, *, temperature: float = 1.0
) -> dict[str, float]:
    """All metrics of a Keras classifier (normalized pictures → logits); see ``metrics_of``."""
    logits = ClassifierScorer(model, picture).logits(pictures.images)
    return metrics_of(probabilities_of(logits, temperature), pictures.labels)


__all__ = ["ClassifierScorer", "evaluate_classifier"]
