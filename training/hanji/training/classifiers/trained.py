"""TrainedClassifier: the output of training and input of compression, in memory and on disk.

On disk it is a directory of ``classifier.json`` (everything but the weights) and ``weights.npz``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hanji.runtime.manifest import ImageData, ImageInput
from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.errors import DataError
from hanji.training.files import (
    FORMAT_VERSION,
    atomic_directory,
    load_weights,
    read_about,
    save_weights,
    stage_output,
)
from hanji.training.settings import settings_from, table_from

if TYPE_CHECKING:
    import tf_keras as keras

ABOUT = "classifier.json"


@dataclass(frozen=True)
class TrainedClassifier:
    """A trained Keras classifier with its configuration, metrics and data summary.

    ``model`` maps normalized images float32 [B, h, w, c] to logits float32 [B, classes]; its batch
    normalizations are not folded. ``image_input`` specifies the normalization.
    """

    model: keras.Model
    labels: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    """The labels in other languages, by language tag."""

    image_input: ImageInput
    metrics: dict[str, float]
    config: ImageModelConfig
    training: ImageTrainingConfig
    data: ImageData
    """A summary that may leave the server; its ``config`` is the ``[data]`` table, from which the same split
    can be rebuilt."""

    seed: int

    task: ClassVar[str] = "image-classification"


def summarize(dataset: ImageDataset) -> ImageData:
    """Summarize a dataset, including the config it was loaded with."""
    return ImageData(
        name=dataset.name,
        format=dataset.format,
        synthetic=dataset.synthetic,
        licence=dataset.licence,
        pictures=len(dataset.train),
        classes=dataset.classes,
        config=table_from(dataset.config),
        content=dataset.content,
    )


def save_classifier(trained: TrainedClassifier, directory: Path) -> None:
    """Write ``trained`` to a directory; an existing one is replaced once the new one is complete."""
    about = {
        "format_version": FORMAT_VERSION,
        "seed": trained.seed,
        "labels": trained.labels,
        "names": dict(trained.names),
        "picture": asdict(trained.image_input),
        "model": table_from(trained.config),
        "training": table_from(trained.training),
        "metrics": trained.metrics,
        "data": asdict(trained.data),
    }
    with atomic_directory(directory, replace=True) as staging:
        (staging / ABOUT).write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        save_weights(trained.model, staging / "weights.npz")


@stage_output("hanji train")
def load_classifier(directory: Path) -> TrainedClassifier:
    """Load a classifier written by ``save_classifier``; DataError if there is none."""
    from hanji.training.classifiers.models.build import build_classifier

    path = directory / ABOUT
    about = read_about(path, "hanji train")
    labels, image_input = tuple(about["labels"]), image_from(about["picture"])
    config = settings_from(ImageModelConfig, about["model"], f"{path}: model")
    model = build_classifier(
        config,
        height=image_input.height,
        width=image_input.width,
        channels=image_input.channels,
        classes=len(labels),
    )
    load_weights(model, directory / "weights.npz")
    return TrainedClassifier(
        model=model,
        labels=labels,
        names={language: tuple(names) for language, names in about["names"].items()},
        image_input=image_input,
        metrics=about["metrics"],
        config=config,
        training=settings_from(ImageTrainingConfig, about["training"], f"{path}: training"),
        data=ImageData(**about["data"]),
        seed=about["seed"],
    )


def image_from(table: Mapping[str, Any]) -> ImageInput:
    """An ImageInput from its ``dataclasses.asdict`` table; DataError for an invalid table."""
    plain: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    try:
        return ImageInput(**plain)
    except TypeError as error:
        raise DataError(f"{ABOUT}: picture: {error}; run `hanji train` again") from None


__all__ = [
    "ABOUT",
    "TrainedClassifier",
    "image_from",
    "load_classifier",
    "save_classifier",
    "summarize",
]
