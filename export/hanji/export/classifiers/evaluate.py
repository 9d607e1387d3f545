"""Metrics of the classifier that ships, through the runtime that ships."""

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
"""Metrics that say nothing of a model whose outputs are no probabilities."""


def classifier_test_set(manifest: ClassifierManifest, directory: Path | None) -> ImageDataset:
    """The pictures to measure a bundle with, as ``test`` of a dataset.

    Of a model that hanji trained it is the very split it was trained and tested with, rebuilt from its
    manifest. Of a model that was wrapped nobody knows what it was trained on: all pictures of ``directory``,
    one sub-folder a class, count. Raises DataError where they cannot be read.
    """
    known = manifest.training_data.config
    if known:
        config = settings_from(ImageDataConfig, known, "manifest.json: training_data.config")
        return load_images(config, None if config.format == "digits" else directory, seed=manifest.seed)
    if directory is None:
        raise DataError(
            f"the bundle {manifest.name!r} was wrapped, and does not say what it was trained on; expected "
            "--data with a folder of pictures, one sub-folder a class"
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
    """The data that ``compressed`` was made of, in ``directory``; None without one, but for the digits.

    Raises DataError where the directory does not hold that data.
    """
    full = compressed.full
    config = settings_from(ImageDataConfig, full.data.config, "compressed-classifier.json: data")
    if directory is None and config.format != "digits":
        return None
    return load_images(config, directory, seed=full.seed)


def evaluate_classifier_bundle(
    bundle: Path, dataset: ImageDataset, *, engine: str = "auto"
) -> dict[str, float]:
    """``metrics_of`` a bundle on the test pictures of ``dataset``, answered by ``engine``.

    Without ``nll`` and ``ece`` where the model gives no probabilities. Raises DataError if the bundle does
    not know the classes of ``dataset``.
    """
    with Classifier.open(bundle, engine=engine) as classifier:
        classes = classes_of(dataset, classifier)
        found = np.stack([classifier.probabilities(image) for image in dataset.test.images])
        metrics = metrics_of(found, classes[dataset.test.labels])
        if classifier.manifest.probabilities.source == "none":
            return {name: value for name, value in metrics.items() if name not in NEEDS_PROBABILITIES}
        return metrics


def classes_of(dataset: ImageDataset, classifier: Classifier) -> npt.NDArray[np.int32]:
    """The bundle's number of each of the dataset's classes, int32 [classes]; DataError if it lacks one."""
    number = {label: index for index, label in enumerate(classifier.labels)}
    unknown = [label for label in dataset.labels if label not in number]
    if unknown:
        raise DataError(
            f"the bundle {classifier.manifest.name!r} does not know {len(unknown)} of the data's "
            f"{len(dataset.labels)} classes ({unknown[0]!r} for one; it knows {classifier.labels[0]!r} and "
            f"{len(classifier.labels) - 1} others); expected the data it was trained on: check --data"
        )
    return np.array([number[label] for label in dataset.labels], np.int32)


def _all_as_test(dataset: ImageDataset) -> ImageDataset:
    parts = [part for part in (dataset.train, dataset.validation, dataset.test) if len(part)]
    everything = LabelledImages(
        np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts])
    )
    return replace(dataset, test=everything)


__all__ = ["classifier_test_set", "evaluate_classifier_bundle", "training_images"]
