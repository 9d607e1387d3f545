"""Inputs of the fitting loop for classifiers: optimizer, supervision without a teacher, validation."""

from __future__ import annotations

import tf_keras as keras

from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.augmentation import class_weights
from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.data import ImageDataset, LabelledImages
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.classifiers.objectives import cross_entropy_objective
from hanji.training.classifiers.samples import labelled_images
from hanji.training.fitting.loop import Monitor, Validation
from hanji.training.fitting.supervision import Supervision

ACCURACY = Monitor("top1", {"top1": "top-1", "nll": "loss"})
MOMENTUM = 0.9
NOT_DECAYED = ["bias", "gamma", "beta", "norm", "quantize", "_min", "_max"]
"""Weights whose names contain one of these are excluded from weight decay."""


def optimizer_of(config: ImageTrainingConfig) -> keras.optimizers.Optimizer:
    """A new optimizer with decoupled weight decay on kernels."""
    decay = config.weight_decay or None
    if config.optimizer == "adam":
        optimizer = keras.optimizers.Adam(config.learning_rate, weight_decay=decay)
    else:
        optimizer = keras.optimizers.SGD(
            config.learning_rate, momentum=MOMENTUM, nesterov=True, weight_decay=decay
        )
    if decay:
        optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
    return optimizer


def default_supervision(
    dataset: ImageDataset, training: ImageTrainingConfig, image_input: ImageInput
) -> Supervision:
    """Augmented images with their labels, for training without a teacher."""
    weights = None
    if training.class_weight_power:
        weights = class_weights(dataset.train.labels, dataset.classes, training.class_weight_power)
    objective = cross_entropy_objective(
        image_input, dataset.classes, label_smoothing=training.label_smoothing, class_weights=weights
    )
    return Supervision(labelled_images(dataset.train, training.augmentation), objective)


def validation_of(model: keras.Model, samples: LabelledImages, image_input: ImageInput) -> Validation:
    """Validation of ``model`` on ``samples``, with its current weights at each call."""
    scorer = ClassifierScorer(model, image_input)
    return Validation(lambda: scorer.metrics(samples), ACCURACY)


__all__ = ["ACCURACY", "default_supervision", "optimizer_of", "validation_of"]
