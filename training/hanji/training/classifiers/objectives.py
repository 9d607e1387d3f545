"""Training objectives of classifiers. Batches contain uint8 images, which are normalized in the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.runtime.manifest import ImageInput
from hanji.training.fitting.supervision import Objective

Tensor = Any


def normalized(images: Tensor, image_input: ImageInput) -> Tensor:
    """Pixels uint8 [B, h, w, c] normalized to float32 with mean 0 and deviation 1 per channel."""
    mean, scale = normalization(image_input)
    return (tf.cast(images, tf.float32) - mean) * scale


def normalization(image_input: ImageInput) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean to subtract from each channel and the scale to multiply by, float32 [channels] each."""
    mean, std = np.array(image_input.mean, np.float64), np.array(image_input.std, np.float64)
    return mean.astype(np.float32), (1.0 / std).astype(np.float32)


def cross_entropy_objective(
    image_input: ImageInput,
    classes: int,
    *,
    label_smoothing: float = 0.0,
    class_weights: NDArray[np.float32] | None = None,
) -> Objective:
    """Cross-entropy with the labels; ``class_weights`` float32 [classes] weight each image by its class."""
    weights = tf.constant(np.ones(classes, np.float32) if class_weights is None else class_weights)

    def loss(model: keras.Model, images: Tensor, labels: Tensor) -> Tensor:
        logits = model(normalized(images, image_input), training=True)
        losses = cross_entropy(labels, logits, classes, label_smoothing)
        return tf.reduce_mean(losses * tf.gather(weights, labels))

    return Objective(loss, batch_of(image_input))


def distillation_objective(
    image_input: ImageInput, classes: int, *, teacher_weight: float, temperature: float
) -> Objective:
    """Distillation from a teacher's logits float32 [B, classes], which are the last array of a batch.

    ``teacher_weight`` weights the soft loss at ``temperature``, the rest weights the cross-entropy with the
    labels (Hinton, Vinyals and Dean 2015). The soft loss is multiplied by the squared temperature, which
    preserves the magnitude of its gradients.
    """

    def loss(model: keras.Model, images: Tensor, labels: Tensor, teacher: Tensor) -> Tensor:
        logits = model(normalized(images, image_input), training=True)
        return distillation_loss(labels, teacher, logits, classes, teacher_weight, temperature)

    return Objective(loss, (*batch_of(image_input), tf.TensorSpec([None, classes], tf.float32)))


def distillation_loss(
    labels: Tensor, teacher: Tensor, logits: Tensor, classes: int, teacher_weight: float, temperature: float
) -> Tensor:
    """The mean loss of ``distillation_objective``, a scalar."""
    soft = tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(teacher / temperature), logits / temperature)
    hard = cross_entropy(labels, logits, classes, 0.0)
    return tf.reduce_mean(teacher_weight * temperature**2 * soft + (1.0 - teacher_weight) * hard)


def cross_entropy(labels: Tensor, logits: Tensor, classes: int, label_smoothing: float) -> Tensor:
    """Cross-entropy of each image, float32 [B]."""
    targets = tf.one_hot(labels, classes) * (1.0 - label_smoothing) + label_smoothing / classes
    return tf.nn.softmax_cross_entropy_with_logits(targets, logits)


def batch_of(image_input: ImageInput) -> tuple[Any, ...]:
    """Tensor specs of a batch: images and labels."""
    images = [None, image_input.height, image_input.width, image_input.channels]
    return tf.TensorSpec(images, tf.uint8), tf.TensorSpec([None], tf.int32)


__all__ = [
    "batch_of",
    "cross_entropy",
    "cross_entropy_objective",
    "distillation_loss",
    "distillation_objective",
    "normalization",
    "normalized",
]
