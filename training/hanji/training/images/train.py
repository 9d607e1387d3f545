"""The training stage of a classifier: from an image dataset to a TrainedClassifier.

The validation pictures pick the epoch. The test set is read once, behind the last epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import tf_keras as keras

from hanji.runtime.manifest import PictureInput
from hanji.training.checkpoint import Checkpoint
from hanji.training.determinism import seed_everything
from hanji.training.errors import DataError, RecipeError
from hanji.training.images.augmentation import class_weights
from hanji.training.images.config import ImageTrainingConfig
from hanji.training.images.data import ImageDataConfig, ImageDataset
from hanji.training.images.evaluation import evaluate_classifier
from hanji.training.images.fit import fit_classifier, validation_of
from hanji.training.images.models.build import build_classifier
from hanji.training.images.models.config import ImageModelConfig
from hanji.training.images.objectives import labelled
from hanji.training.images.samples import labelled_pictures
from hanji.training.images.trained import TrainedClassifier, summarize
from hanji.training.objectives import Objective
from hanji.training.settings import table_from

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def picture_of(dataset: ImageDataset) -> PictureInput:
    """How a picture becomes the network's input, for a network trained on ``dataset``."""
    mean, std = dataset.normalization
    return PictureInput(
        height=dataset.height,
        width=dataset.width,
        channels=dataset.channels,
        fit=dataset.fit,
        mean=tuple(float(f"{value:.6g}") for value in mean),
        std=tuple(float(f"{value:.6g}") for value in std),
        normalized_by="graph",
    )


def network_for(config: ImageModelConfig, dataset: ImageDataset) -> keras.Model:
    """The untrained network of ``config`` for the pictures of ``dataset``.

    Raises RecipeError where the pictures are too small for the network.
    """
    try:
        return build_classifier(
            config,
            height=dataset.height,
            width=dataset.width,
            channels=dataset.channels,
            classes=dataset.classes,
        )
    except ValueError as error:
        raise RecipeError(f"model: {error}") from error


def labels_objective(
    training: ImageTrainingConfig, dataset: ImageDataset, picture: PictureInput
) -> Objective:
    """What a network minimizes where nobody teaches it."""
    weights = None
    if training.class_weight_power:
        weights = class_weights(dataset.train.labels, dataset.classes, training.class_weight_power)
    return labelled(picture, dataset.classes, label_smoothing=training.label_smoothing, class_weights=weights)


@contextmanager
def arithmetic(training: ImageTrainingConfig) -> Iterator[None]:
    """Networks that are built inside the block compute in the training's precision."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(_POLICIES[training.precision])
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def train_classifier(
    dataset: ImageDataset,
    *,
    data: ImageDataConfig,
    model: ImageModelConfig,
    training: ImageTrainingConfig,
    seed: int,
    work: Path | None = None,
) -> TrainedClassifier:
    """Train ``model`` on ``dataset``; checkpoints go to ``work`` and a killed run goes on from there.

    Raises RecipeError for a network that the pictures are too small for, DataError where no pictures are
    held out to pick the epoch by.
    """
    _check(dataset, training)
    seed_everything(seed)
    picture = picture_of(dataset)
    with arithmetic(training):
        fitted = network_for(replace(model, mirrored=False), dataset)
        _fit(fitted, dataset, picture, model, training, seed, work)
    network = network_for(model, dataset)  # the same weights in float32
    network.set_weights(fitted.get_weights())
    return TrainedClassifier(
        model=network,
        labels=dataset.labels,
        names=dataset.names,
        picture=picture,
        metrics=evaluate_classifier(network, dataset.test, picture),
        config=model,
        training=training,
        data=summarize(dataset, data),
        seed=seed,
    )


def _check(dataset: ImageDataset, training: ImageTrainingConfig) -> None:
    if not len(dataset.validation):
        raise DataError("data.validation: expected a fraction above 0, so that pictures can pick the epoch")
    largest, side = max(training.shift, training.cutout), min(dataset.height, dataset.width)
    if largest >= side:
        raise RecipeError(
            f"training.shift and cutout: expected fewer pixels than a picture has ({side}), found {largest}"
        )


def _fit(
    network: keras.Model,
    dataset: ImageDataset,
    picture: PictureInput,
    model: ImageModelConfig,
    training: ImageTrainingConfig,
    seed: int,
    work: Path | None,
) -> None:
    settings = [table_from(model), table_from(training), seed, dataset.name, len(dataset.train)]
    fit_classifier(
        network,
        labelled_pictures(dataset.train, training.augmentation),
        training,
        objective=labels_objective(training, dataset, picture),
        validate=validation_of(network, dataset.validation, picture),
        seed=seed,
        name=f"Training {model.type}",
        checkpoint=Checkpoint(work / f"training-{model.type}.npz", settings) if work else None,
    )


__all__ = ["arithmetic", "labels_objective", "network_for", "picture_of", "train_classifier"]
