"""Distillation: a student learns the full network's probabilities, and its features if the recipe says so.

The teacher's answers to a number of augmented views are stored (teaching.py). Features are what goes into
the last Dense layer, or what a named layer gives, averaged over the picture; a linear projection of the
student's is pulled towards the teacher's (after Romero et al. 2015) and thrown away in the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.distillation.teacher import Views, answers_to, taught_images
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
    """A student and what later steps go on with: they follow the teacher, too."""

    student: keras.Model
    config: ImageModelConfig | None
    """None: the shape of a model trained elsewhere."""

    fitting: Fitting


def distil(
    model: keras.Model, config: ImageModelConfig | None, step: ImageDistil, fitting: Fitting
) -> Distilled:
    """A trained student of ``model``, whose config is ``config``.

    RecipeError where the pictures are too small for the student, or a layer to be followed does not exist.
    """
    seen = fitting.views(min(step.views, step.epochs))
    logits = fitting.logits_of(_as_trained(model, config, fitting), seen)
    follows = fitting.taught_by(
        seen, logits, teacher_weight=step.teacher_weight, temperature=step.temperature
    )
    seed_everything(fitting.seed)
    learning = step.model or config
    with arithmetic(follows.schedule(step)):
        fitted = student_network(model, learning, fitting.dataset)
        if step.feature_weight:
            _follow_features(_one_sided(model, config, fitting), fitted, step, follows, seen, logits)
        else:
            follows.fit(fitted, follows.schedule(step), "Distilling")
    student = network_for(learning, fitting.dataset) if learning else keras.models.clone_model(model)
    student.set_weights(fitted.get_weights())  # the same, computing in float32
    return Distilled(student, learning, follows)


def _as_trained(model: keras.Model, config: ImageModelConfig | None, fitting: Fitting) -> keras.Model:
    """The teacher in the arithmetic that it was trained in, which may be much faster."""
    if config is None or fitting.training.precision == "float32":
        return model
    with arithmetic(fitting.training):
        teacher = network_for(config, fitting.dataset)
    teacher.set_weights(model.get_weights())
    return teacher


def _one_sided(model: keras.Model, config: ImageModelConfig | None, fitting: Fitting) -> keras.Model:
    """The network without its look at the mirror image: that has features of its own."""
    if config is None or not config.mirrored:
        return model
    network = network_for(replace(config, mirrored=False), fitting.dataset)
    network.set_weights(model.get_weights())
    return network


def student_network(
    model: keras.Model, config: ImageModelConfig | None, dataset: ImageDataset
) -> keras.Model:
    """The network of ``config``, or one like ``model``, with new weights; RecipeError if the pictures are too
    small for it. If it is to look at mirror images as well, it does not in training.
    """
    if config is None:
        return keras.models.clone_model(model)
    return network_for(replace(config, mirrored=False), dataset)


def _follow_features(
    teacher: keras.Model,
    student: keras.Model,
    step: ImageDistil,
    follows: Fitting,
    views: Views,
    logits: list[Any],
) -> None:
    """Fit ``student`` on the teacher's features beside its logits; only its own weights are kept."""
    features = _feature_answers(views, pooled_features(teacher, step.feature_layer), follows)
    mean, spread = _moments(features[0])
    projection = keras.layers.Dense(len(mean), name="projection", dtype="float32")
    own = projection(pooled_features(student, step.feature_layer).output)
    both = keras.Model(student.inputs, [student.outputs[0], own])
    objective = _taught_with_features(follows, step, mean, spread)
    supervision = Supervision(taught_images(views, (logits, features)), objective)
    learning = replace(follows, supervision=supervision)
    learning.fit(both, learning.schedule(step), "Distilling", validated=student)


def pooled_features(model: keras.Model, layer: str) -> keras.Model:
    """``model`` up to the features: normalized pictures → float32 [B, features].

    They come out of ``layer``, or go into the last Dense layer where that is "". RecipeError if there is no
    such layer.
    """
    names = [known.name for known in model.layers]
    if layer and layer not in names:
        raise RecipeError(
            f"distil.feature_layer: the network {model.name!r} has no layer {layer!r}; it has "
            f"{', '.join(names)}"
        )
    dense = [known for known in model.layers if isinstance(known, keras.layers.Dense)]
    if not layer and not dense:
        raise RecipeError(
            f"distil: the network {model.name!r} has no Dense layer, before which its features would be; "
            "name a feature_layer"
        )
    features = model.get_layer(layer).output if layer else dense[-1].input
    if len(features.shape) == 4:
        features = keras.layers.GlobalAveragePooling2D(dtype="float32", name="pooled_features")(features)
    return keras.Model(model.inputs, features)


def _feature_answers(views: Views, features: keras.Model, fitting: Fitting) -> list[Any]:
    """Float16 [n, features] a view; half precision is plenty for a target."""
    scorer = ClassifierScorer(features, fitting.image_input)

    def ask(images: NDArray[np.uint8]) -> NDArray[np.float16]:
        return scorer.logits(images).astype(np.float16)

    return answers_to(views, ask, teacher=features, what="features", work=fitting.work)


def _moments(features: NDArray[np.float16]) -> tuple[NDArray[np.float32], float]:
    """Mean of each feature and one standard deviation of all, so that a weight means the same everywhere."""
    exact = features.astype(np.float32)
    mean = exact.mean(axis=0)
    return mean, float(np.sqrt(np.mean((exact - mean) ** 2))) or 1.0


def _taught_with_features(
    fitting: Fitting, step: ImageDistil, mean: NDArray[np.float32], spread: float
) -> Objective:
    classes = fitting.dataset.classes

    def loss(model: keras.Model, images: Any, labels: Any, teacher: Any, features: Any) -> Any:
        logits, projected = model(normalized(images, fitting.image_input), training=True)
        taught = distillation_loss(labels, teacher, logits, classes, step.teacher_weight, step.temperature)
        wanted = (tf.cast(features, tf.float32) - mean) / spread
        return taught + step.feature_weight * tf.reduce_mean(tf.square(projected - wanted))

    answers = (tf.TensorSpec([None, classes], tf.float32), tf.TensorSpec([None, len(mean)], tf.float16))
    return Objective(loss, (*batch_of(fitting.image_input), *answers))


__all__ = ["Distilled", "distil", "pooled_features", "student_network"]
