"""Logits and metrics of a Keras image classifier."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.data import LabelledImages
from hanji.training.classifiers.metrics import metrics_of, probabilities_of
from hanji.training.classifiers.objectives import normalized
from hanji.training.fitting.compilation import compiled

_BATCH = 500  # images per call


class ClassifierScorer:
    """Computes logits with the current weights of a model; compiled once."""

    def __init__(self, model: keras.Model, image_input: ImageInput) -> None:
        shape = [None, image_input.height, image_input.width, image_input.channels]
        self._model, self._image = model, image_input
        self._compiled = compiled(self._call, [tf.TensorSpec(shape, tf.uint8)])

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Float32 [n, classes] of ``images`` uint8 [n, h, w, c]."""
        logits = np.empty((len(images), int(self._model.output_shape[-1])), np.float32)
        for start in range(0, len(images), _BATCH):
            part = slice(start, start + _BATCH)
            logits[part] = self._compiled(tf.constant(images[part])).numpy()
        return logits

    def metrics(self, samples: LabelledImages, *, temperature: float = 1.0) -> dict[str, float]:
        """All metrics on labelled images; see ``metrics_of``."""
        return metrics_of(probabilities_of(self.logits(samples.images), temperature), samples.labels)

    def _call(self, images: tf.Tensor) -> tf.Tensor:
        return tf.cast(self._model(normalized(images, self._image), training=False), tf.float32)


def evaluate_classifier(
    model: keras.Model, samples: LabelledImages, image_input: ImageInput, *, temperature: float = 1.0
) -> dict[str, float]:
    """All metrics of a Keras classifier (normalized images → logits); see ``metrics_of``."""
    return ClassifierScorer(model, image_input).metrics(samples, temperature=temperature)


__all__ = ["ClassifierScorer", "evaluate_classifier"]
