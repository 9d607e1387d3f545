"""The training stage of a classifier: from an image dataset to a TrainedClassifier.

The validation images select the best epoch. The test set is used once, after the last epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import tf_keras as keras

from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.evaluation import evaluate_classifier
from hanji.training.classifiers.fit import default_supervision, optimizer_of, validation_of
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.trained import TrainedClassifier, summarize
from hanji.training.cluster.environment import cluster_of_environment
from hanji.training.errors import DataError, RecipeError
from hanji.training.fitting.checkpoint import Checkpoint
from hanji.training.fitting.determinism import seed_everything
from hanji.training.fitting.loop import FitRun, fit
from hanji.training.progress import OnEpoch
from hanji.training.settings import table_from

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def image_of(dataset: ImageDataset) -> ImageInput:
    """The input specification, including the normalization, of a network trained on ``dataset``."""
    mean, std = dataset.normalization
    return ImageInput(
        height=dataset.height,
        width=dataset.width,
        channels=dataset.channels,
        fit=dataset.fit,
        mean=tuple(float(f"{value:.6g}") for value in mean),
        std=tuple(float(f"{value:.6g}") for value in std),
        normalized_by="graph",
    )


def network_for(config: ImageModelConfig, dataset: ImageDataset) -> keras.Model:
    """The untrained network of ``config`` for the images of ``dataset``.

    Raises RecipeError if the images are too small for the network.
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


@contextmanager
def arithmetic(training: ImageTrainingConfig) -> Iterator[None]:
    """Build networks inside the block with the precision of ``training``."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(_POLICIES[training.precision])
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def train_classifier(
    dataset: ImageDataset,
    model: ImageModelConfig,
    training: ImageTrainingConfig,
    *,
    seed: int,
    work: Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> TrainedClassifier:
    """Train ``model`` on ``dataset``; an interrupted run resumes from the checkpoints in ``work``.

    ``on_epoch`` is called after each epoch. Raises RecipeError if the images are too small for the network,
    or in a worker of a cluster, DataError if there are no validation images.
    """
    _check(dataset, training)
    seed_everything(seed)
    image_input = image_of(dataset)
    settings = [table_from(model), table_from(training), seed]
    path = work / f"training-{model.type}.npz" if work else None
    checkpoint = Checkpoint(path, settings, content=dataset.training_content) if path else None
    with arithmetic(training):
        trained_network = network_for(replace(model, mirrored=False), dataset)
        fit(
            trained_network,
            default_supervision(dataset, training, image_input),
            training,
            validation_of(trained_network, dataset.validation, image_input),
            FitRun(f"Training {model.type}", seed, checkpoint, on_epoch=on_epoch),
            optimizer=optimizer_of(training),
        )
    network = network_for(model, dataset)  # the same weights in float32
    network.set_weights(trained_network.get_weights())
    return TrainedClassifier(
        model=network,
        labels=dataset.labels,
        names=dataset.names,
        image_input=image_input,
        metrics=evaluate_classifier(network, dataset.test, image_input),
        config=model,
        training=training,
        data=summarize(dataset),
        seed=seed,
    )


def _check(dataset: ImageDataset, training: ImageTrainingConfig) -> None:
    if cluster_of_environment():
        raise RecipeError(
            "image classifiers train in one process; start it once, without a cluster in the environment "
            "variable TF_CONFIG"
        )
    if not len(dataset.validation):
        raise DataError(
            "data.validation: expected a fraction above 0, as validation images select the best epoch"
        )
    largest, side = max(training.shift, training.cutout), min(dataset.height, dataset.width)
    if largest >= side:
        raise RecipeError(
            f"training.shift and cutout: expected fewer pixels than the shorter side of the images ({side}), "
            f"found {largest}"
        )


__all__ = ["arithmetic", "image_of", "network_for", "train_classifier"]
