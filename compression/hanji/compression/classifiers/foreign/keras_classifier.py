"""KerasClassifier: a classifier that was trained elsewhere, in memory and on disk.

It takes the place of a TrainedClassifier as the input of compression and the baseline of reports.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hanji.compression.classifiers.foreign.reference import Reference, load_reference, save_reference
from hanji.runtime.manifest import ImageData, ImageInput
from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.trained import TrainedClassifier, image_from
from hanji.training.errors import DataError
from hanji.training.files import (
    FORMAT_VERSION,
    atomic_directory,
    load_weights,
    read_about,
    save_weights,
    stage_output,
)
from hanji.training.json_files import read_text
from hanji.training.settings import settings_from, table_from

if TYPE_CHECKING:
    import tf_keras as keras

    from hanji.compression.classifiers.foreign.head import Head

ABOUT = "keras-classifier.json"
_ARCHITECTURE = "architecture.json"
_SAVED_MODEL = "saved_model"


@dataclass(frozen=True)
class KerasClassifier:
    """A Keras network: normalized images float32 [B, h, w, c] → logits float32 [B, classes]."""

    model: keras.Model
    labels: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    image_input: ImageInput
    metrics: dict[str, float]

    training: ImageTrainingConfig
    """Training options for the compression steps; those of its original training are unknown."""

    data: ImageData
    """The data that ``metrics`` were measured on."""

    seed: int

    head: Head
    """The meaning of the output of the model as it was given."""

    reference: Reference
    """The answers of the model as it was given."""

    saved_model: Path | None = None
    """The SavedModel that is executed, if there is no Keras network of layers."""

    @property
    def config(self) -> None:
        """None: no ImageModelConfig describes it."""
        return None

    task: ClassVar[str] = "image-classification"


Full = TrainedClassifier | KerasClassifier
"""The input of compression."""


def save_keras_classifier(classifier: KerasClassifier, directory: Path) -> None:
    """Write ``classifier`` to a directory; an existing one is replaced once the new one is complete."""
    about = {
        "format_version": FORMAT_VERSION,
        "seed": classifier.seed,
        "labels": classifier.labels,
        "names": dict(classifier.names),
        "picture": asdict(classifier.image_input),
        "training": table_from(classifier.training),
        "metrics": classifier.metrics,
        "data": asdict(classifier.data),
        "head": classifier.head,
    }
    with atomic_directory(directory, replace=True) as aside:
        (aside / ABOUT).write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        if classifier.saved_model:
            shutil.copytree(classifier.saved_model, aside / _SAVED_MODEL)
        else:
            save_network(classifier.model, aside)
        save_reference(classifier.reference, aside)


@stage_output("hanji compress")
def load_keras_classifier(directory: Path) -> KerasClassifier:
    """Load a directory written by ``save_keras_classifier``; DataError for any other."""
    from hanji.compression.classifiers.foreign.saved_model import network_of_saved_model

    path = directory / ABOUT
    about = read_about(path, "hanji compress")
    image_input, labels = image_from(about["picture"]), tuple(about["labels"])
    saved_model = directory / _SAVED_MODEL
    if "head" not in about:
        raise DataError(f"{path}: written by an earlier version of hanji; run `hanji compress` again")
    if saved_model.is_dir():
        head = about["head"]
        units = 1 if head.startswith("binary") else len(labels)
        model = network_of_saved_model(saved_model, image_input.shape, head, units)
    else:
        model = load_network(directory)
    return KerasClassifier(
        model=model,
        labels=labels,
        names={language: tuple(names) for language, names in about["names"].items()},
        image_input=image_input,
        metrics=about["metrics"],
        training=settings_from(ImageTrainingConfig, about["training"], f"{path}: training"),
        data=ImageData(**about["data"]),
        seed=about["seed"],
        saved_model=saved_model if saved_model.is_dir() else None,
        head=about["head"],
        reference=load_reference(directory),
    )


def save_network(model: keras.Model, directory: Path, *, architecture: keras.Model | None = None) -> None:
    """Write architecture.json, of ``architecture`` if given, and the weights.npz of ``model``."""
    from hanji.compression.classifiers.networks import architecture_of

    text = architecture_of(architecture or model)
    (directory / _ARCHITECTURE).write_text(text, encoding="utf-8")
    save_weights(model, directory / "weights.npz")


def load_network(directory: Path) -> keras.Model:
    """Load the network written by ``save_network``; DataError if it is missing or corrupt."""
    model = load_architecture(directory)
    load_weights(model, directory / "weights.npz")
    return model


def load_architecture(directory: Path) -> keras.Model:
    """The network with new weights."""
    from hanji.compression.classifiers.networks import network_of

    path = directory / _ARCHITECTURE
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); run the stage again") from None
    return network_of(text, str(path))
