"""Test metrics of an exported classifier, measured through the runtime."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.runtime import Classifier
from hanji.runtime.manifest import ClassifierManifest
from hanji.training.classifiers.data import ImageDataConfig, ImageDataset, LabelledImages, load_images
from hanji.training.classifiers.metrics import metrics_of
from hanji.training.errors import DataError
from hanji.training.settings import settings_from

NEEDS_PROBABILITIES = ("nll", "ece")
"""Metrics that are meaningless for a model whose outputs are not probabilities."""


def classifier_test_set(manifest: ClassifierManifest, directory: Path | None) -> ImageDataset:
    """A dataset whose ``test`` part holds the images to evaluate a bundle on.

    For a model that hanji trained, the split is rebuilt from the manifest. For a wrapped model, whose
    training data is unknown, all images in ``directory`` (one subfolder per class) are the test set. Raises
    DataError if they cannot be read, or for a bundle of several labels or of values.
    """
    if manifest.output is not None:
        raise DataError(
            f"the bundle {manifest.name!r}: expected one class per image, which a folder of classes can "
            f"tell, found a model of {manifest.output.kind}; compare what Classifier.answer() gives with "
            "your own annotations"
        )
    known = manifest.training_data.config
    if known:
        config = settings_from(ImageDataConfig, known, "manifest.json: training_data.config")
        return load_images(config, None if config.format == "digits" else directory, seed=manifest.seed)
    if directory is None:
        raise DataError(
            f"the bundle {manifest.name!r} is a wrapped model with unknown training data; expected --data "
            "with a folder of images, one subfolder per class, found none"
        )
    image_input = manifest.picture
    table = {
        "name": directory.name,
        "format": "folder",
        "height": image_input.height,
        "width": image_input.width,
        "colour": "grey" if image_input.channels == 1 else "rgb",
        "fit": image_input.fit,
        "validation": 0.0,
    }
    dataset = load_images(settings_from(ImageDataConfig, table, "hanji evaluate"), directory, seed=0)
    return _all_as_test(dataset)


def training_images(compressed: CompressedClassifier, directory: Path | None) -> ImageDataset | None:
    """The training data of ``compressed``, read from ``directory``; None without one, except for digits.

    Raises DataError if the directory does not contain that data.
    """
    full = compressed.full
    config = settings_from(ImageDataConfig, full.data.config, "compressed-classifier.json: data")
    if directory is None and config.format != "digits":
        return None
    return load_images(config, directory, seed=full.seed)


def evaluate_classifier_bundle(
    bundle: Path, dataset: ImageDataset, *, engine: str = "auto"
) -> dict[str, float]:
    """The metrics of a bundle on the test images of ``dataset``, run in ``engine``.

    ``nll`` and ``ece`` are omitted if the model does not output probabilities. Raises DataError if the bundle
    does not know a class of ``dataset``.
    """
    with Classifier.open(bundle, engine=engine) as classifier:
        classes = classes_of(dataset, classifier)
        found = np.stack([classifier.probabilities(image) for image in dataset.test.images])
        metrics = metrics_of(found, classes[dataset.test.labels])
        if classifier.manifest.probabilities.source == "none":
            return {name: value for name, value in metrics.items() if name not in NEEDS_PROBABILITIES}
        return metrics


def classes_of(dataset: ImageDataset, classifier: Classifier) -> npt.NDArray[np.int32]:
    """The bundle's index of each class of the dataset, int32 [classes]; DataError for an unknown class."""
    number = {label: index for index, label in enumerate(classifier.labels)}
    unknown = [label for label in dataset.labels if label not in number]
    if unknown:
        raise DataError(
            f"the bundle {classifier.manifest.name!r} does not know {len(unknown)} of the data's "
            f"{len(dataset.labels)} classes, for example {unknown[0]!r} (it knows {classifier.labels[0]!r} "
            f"and {len(classifier.labels) - 1} others); expected the data it was trained on: check --data"
        )
    return np.array([number[label] for label in dataset.labels], np.int32)


def _all_as_test(dataset: ImageDataset) -> ImageDataset:
    parts = [part for part in (dataset.train, dataset.validation, dataset.test) if len(part)]
    everything = LabelledImages(
        np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts])
    )
    return replace(dataset, test=everything)


__all__ = ["classifier_test_set", "evaluate_classifier_bundle", "training_images"]
