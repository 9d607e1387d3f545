"""Compression of a classifier that was trained elsewhere, in memory or in a file."""

from __future__ import annotations

from pathlib import Path

import tf_keras as keras

from hanji.compression.classifiers.compress import compress_classifier
from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.foreign.converted import converted
from hanji.compression.classifiers.foreign.keras_classifier import KerasClassifier
from hanji.compression.classifiers.foreign.opened import expect_possible
from hanji.compression.classifiers.foreign.original import Original
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.compression.classifiers.foreign.reference import IMAGES
from hanji.compression.classifiers.foreign.trial import open_tried
from hanji.compression.classifiers.quantization.quantize import calibration_images
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.data import ImageDataConfig, ImageDataset, load_images
from hanji.training.classifiers.evaluation import evaluate_classifier
from hanji.training.classifiers.trained import summarize
from hanji.training.errors import DataError
from hanji.training.fitting.determinism import seed_everything
from hanji.training.progress import OnEpoch, logger

TRAINING = ImageTrainingConfig(
    optimizer="adam", learning_rate=0.001, weight_decay=0.0, warmup=0.1, batch_size=64
)
"""Options of the steps' training for a model whose original training is unknown."""


def compress_keras_file(
    path: Path,
    recipe: ImageRecipe,
    data: Path,
    *,
    preprocessing: Preprocessing,
    work: Path,
    training: ImageTrainingConfig = TRAINING,
    seed: int = 0,
) -> CompressedClassifier:
    """Apply the recipe to the model in ``path``: a .keras or .h5 file, or a SavedModel directory.

    ``data`` is a folder of images with one subfolder per class, in alphabetical order of the model's classes.
    Checkpoints go to ``work``. Raises RecipeError for a step that this kind of file does not support and for
    a model that is not an image classifier, DataError for files that cannot be read, ConversionError for one
    that would crash this process or never end.
    """
    seed_everything(seed)
    original = open_tried(path, preprocessing, work)
    expect_possible(recipe, original)
    image_input = original.image_input
    config = ImageDataConfig(
        name=f"images in {data.resolve().name}",
        format="folder",
        height=image_input.height,
        width=image_input.width,
        colour="grey" if image_input.channels == 1 else "rgb",
        fit=preprocessing.fit,
    )
    dataset = load_images(config, data, seed=seed)
    _expect_classes(original, dataset, str(data))
    return compress_classifier(_classifier(original, dataset, training, seed), recipe, dataset, work=work)


def compress_keras_model(
    source: Path | keras.Model,
    recipe: ImageRecipe,
    dataset: ImageDataset,
    *,
    preprocessing: Preprocessing,
    work: Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> CompressedClassifier:
    """Apply the recipe to a Keras model, in memory or in a file, with images that are already loaded.

    The labels of ``dataset`` must be in the order of the model's outputs. Raises the errors of
    ``compress_keras_file``, and DataError for images of another size than the model's input.
    """
    seed_everything(0)
    original = open_tried(source, preprocessing, work)
    expect_possible(recipe, original)
    _expect_classes(original, dataset, "dataset")
    expected, found = original.shape, dataset.train.images.shape[1:]
    if expected != found:
        raise DataError(
            f"dataset: expected images of the model's input shape {list(expected)}, found {list(found)}; "
            "load them with that height, width and colour"
        )
    classifier = _classifier(original, dataset, TRAINING, 0)
    return compress_classifier(classifier, recipe, dataset, work=work, on_epoch=on_epoch)


def _classifier(
    original: Original, dataset: ImageDataset, training: ImageTrainingConfig, seed: int
) -> KerasClassifier:
    """The converted network, which answers as the original does; RecipeError if there is none."""
    opened = converted(original, calibration_images(dataset.train, IMAGES, seed))
    if original.units == 1:
        logger.info(f"{original.where} has one unit: its probability is that of {dataset.labels[1]!r}")
    return KerasClassifier(
        model=opened.model,
        labels=dataset.labels,
        names=dataset.names,
        image_input=opened.image_input,
        metrics=evaluate_classifier(opened.model, dataset.test, opened.image_input),
        training=training,
        data=summarize(dataset),
        seed=seed,
        saved_model=opened.saved_model,
        head=opened.head,
        reference=opened.reference,
    )


def _expect_classes(original: Original, dataset: ImageDataset, where: str) -> None:
    if original.classes != dataset.classes:
        shown = ", ".join(dataset.labels[:5]) + (", …" if dataset.classes > 5 else "")
        raise DataError(
            f"{where}: expected one subfolder for each of the model's {original.classes} classes"
            f"{' (its output is one unit)' if original.units == 1 else ''}, found {dataset.classes} ({shown})"
        )


__all__ = ["TRAINING", "compress_keras_file", "compress_keras_model"]
