"""Distillation: a student is trained on the full network's probabilities and, optionally, its features.

The teacher's outputs for a number of augmented views are cached (teacher.py). Features are the input of the
last Dense layer, or the output of a named layer, averaged over the spatial axes. A linear projection of the
student's features is fitted to the teacher's (after Romero et al. 2015) and discarded afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.distillation.teacher import Views, distillation_epochs, teacher_outputs
from hanji.compression.classifiers.fitting import Fitting
from hanji.compression.classifiers.steps import ImageDistil
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.objectives import batch_of, distillation_loss, normalized
from hanji.training.classifiers.train import arithmetic, network_for
from hanji.training.errors import RecipeError
from hanji.training.fitting.determinism import seed_everything
from hanji.training.fitting.supervision import Objective, Supervision


@dataclass(frozen=True)
class Distilled:
    """A student and the fitting for later steps, which train on the teacher's outputs, too."""

    student: keras.Model
    config: ImageModelConfig | None
    """None: the architecture of a model trained elsewhere."""

    fitting: Fitting


def distil(
    model: keras.Model, config: ImageModelConfig | None, step: ImageDistil, fitting: Fitting
) -> Distilled:
    """A trained student of ``model``, whose config is ``config``.

    RecipeError if the images are too small for the student, or the feature layer does not exist.
    """
    views = fitting.views(min(step.views, step.epochs))
    logits = fitting.teacher_logits(_in_training_precision(model, config, fitting), views)
    distilling = fitting.with_teacher(
        views, logits, teacher_weight=step.teacher_weight, temperature=step.temperature
    )
    seed_everything(fitting.seed)
    student_config = step.model or config
    with arithmetic(distilling.schedule(step)):
        fitted = student_network(model, student_config, fitting.dataset)
        if step.feature_weight:
            teacher = _without_mirroring(model, config, fitting)
            _fit_with_features(teacher, fitted, step, distilling, views, logits)
        else:
            distilling.fit(fitted, distilling.schedule(step), "Distilling")
    if student_config:
        student = network_for(student_config, fitting.dataset)
    else:
        student = keras.models.clone_model(model)
    student.set_weights(fitted.get_weights())  # the same network in float32
    return Distilled(student, student_config, distilling)


def _in_training_precision(
    model: keras.Model, config: ImageModelConfig | None, fitting: Fitting
) -> keras.Model:
    """The teacher in the precision that it was trained in, which may be much faster."""
    if config is None or fitting.training.precision == "float32":
        return model
    with arithmetic(fitting.training):
        teacher = network_for(config, fitting.dataset)
    teacher.set_weights(model.get_weights())
    return teacher


def _without_mirroring(model: keras.Model, config: ImageModelConfig | None, fitting: Fitting) -> keras.Model:
    """The network without its pass over the mirrored image, whose features differ."""
    if config is None or not config.mirrored:
        return model
    network = network_for(replace(config, mirrored=False), fitting.dataset)
    network.set_weights(model.get_weights())
    return network


def student_network(
    model: keras.Model, config: ImageModelConfig | None, dataset: ImageDataset
) -> keras.Model:
    """An untrained network of ``config``, or like ``model``; RecipeError if the images are too small for it.

    It is trained without the mirrored pass, even if ``config`` has one.
    """
    if config is None:
        return keras.models.clone_model(model)
    return network_for(replace(config, mirrored=False), dataset)


def _fit_with_features(
    teacher: keras.Model,
    student: keras.Model,
    step: ImageDistil,
    distilling: Fitting,
    views: Views,
    logits: list[Any],
) -> None:
    """Fit ``student`` on the teacher's logits and features; the projection is discarded afterwards."""
    features = _teacher_features(views, pooled_features(teacher, step.feature_layer), distilling)
    mean, spread = _moments(features[0])
    projection = keras.layers.Dense(len(mean), name="projection", dtype="float32")
    projected = projection(pooled_features(student, step.feature_layer).output)
    with_projection = keras.Model(student.inputs, [student.outputs[0], projected])
    objective = _feature_objective(distilling, step, mean, spread)
    supervision = Supervision(distillation_epochs(views, (logits, features)), objective)
    fitting = replace(distilling, supervision=supervision)
    fitting.fit(with_projection, fitting.schedule(step), "Distilling", validated=student)


def pooled_features(model: keras.Model, layer: str) -> keras.Model:
    """``model`` up to its features: normalized images → float32 [B, features].

    Features are the output of ``layer``, or the input of the last Dense layer if that is "". RecipeError if
    there is no such layer.
    """
    names = [candidate.name for candidate in model.layers]
    if layer and layer not in names:
        raise RecipeError(
            f"distil.feature_layer: the network {model.name!r} has no layer {layer!r}; it has "
            f"{', '.join(names)}"
        )
    dense = [candidate for candidate in model.layers if isinstance(candidate, keras.layers.Dense)]
    if not layer and not dense:
        raise RecipeError(
            f"distil: the network {model.name!r} has no Dense layer whose input could serve as features; set "
            "feature_layer"
        )
    features = model.get_layer(layer).output if layer else dense[-1].input
    if len(features.shape) == 4:
        features = keras.layers.GlobalAveragePooling2D(dtype="float32", name="pooled_features")(features)
    return keras.Model(model.inputs, features)


def _teacher_features(views: Views, features: keras.Model, fitting: Fitting) -> list[Any]:
    """Features of each view, float16 [n, features]; half precision is enough for a target."""
    scorer = ClassifierScorer(features, fitting.image_input)

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float16]:
        return scorer.logits(images).astype(np.float16)

    return teacher_outputs(views, predict, teacher=features, what="features", work=fitting.work)


def _moments(features: NDArray[np.float16]) -> tuple[NDArray[np.float32], float]:
    """Mean of each feature and a common standard deviation, so that feature_weight is scale-independent."""
    exact = features.astype(np.float32)
    mean = exact.mean(axis=0)
    return mean, float(np.sqrt(np.mean((exact - mean) ** 2))) or 1.0


def _feature_objective(
    fitting: Fitting, step: ImageDistil, mean: NDArray[np.float32], spread: float
) -> Objective:
    classes = fitting.dataset.classes

    def loss(model: keras.Model, images: Any, labels: Any, teacher: Any, features: Any) -> Any:
        logits, projected = model(normalized(images, fitting.image_input), training=True)
        distillation = distillation_loss(
            labels, teacher, logits, classes, step.teacher_weight, step.temperature
        )
        target = (tf.cast(features, tf.float32) - mean) / spread
        return distillation + step.feature_weight * tf.reduce_mean(tf.square(projected - target))

    outputs = (tf.TensorSpec([None, classes], tf.float32), tf.TensorSpec([None, len(mean)], tf.float16))
    return Objective(loss, (*batch_of(fitting.image_input), *outputs))


__all__ = ["Distilled", "distil", "pooled_features", "student_network"]
