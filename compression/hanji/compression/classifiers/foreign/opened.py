"""Opens a classifier that was trained elsewhere: a Keras model or file, or a SavedModel.

A functional or sequential tf_keras model supports every recipe. A Keras 3 model and a SavedModel can only be
called, not rewritten: they support only the recipes that the converter performs by itself.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tf_keras as keras

from hanji.compression.classifiers.foreign.adopt import adopted, expect_classifier
from hanji.compression.classifiers.foreign.keras3 import export_keras3
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.compression.classifiers.foreign.saved_model import input_shape_of, network_of_saved_model
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ImageQuantize
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.models.loading import load_network
from hanji.training.errors import DataError, RecipeError

Kind = Literal["tf_keras", "keras 3", "saved model"]
_HDF5 = b"\x89HDF"


@dataclass(frozen=True)
class Opened:
    """A network of normalized images → logits, and the normalization."""

    kind: Kind
    where: str
    """Its name in error messages: a path, or the name of a model."""

    model: keras.Model
    image_input: ImageInput
    saved_model: Path | None = None
    """The SavedModel that is executed, if there is no network of Keras layers."""


def kind_of(path: Path) -> Kind:
    """The format of the model in ``path``; DataError if it is none that can be read."""
    if (path / "saved_model.pb").is_file():
        return "saved model"
    if not path.is_file():
        raise DataError(f"{path}: expected a .keras or .h5 file or a SavedModel directory, found none")
    with path.open("rb") as file:
        if file.read(4) == _HDF5:
            return "tf_keras"
    try:
        with zipfile.ZipFile(path) as archive:
            version = str(json.loads(archive.read("metadata.json"))["keras_version"])
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataError(f"{path}: not a model saved by Keras ({error})") from None
    return "tf_keras" if version.startswith("2.") else "keras 3"


def expect_possible(recipe: ImageRecipe, opened: Opened) -> None:
    """RecipeError, before any training starts, for steps that need TFMOT if it does not support the model."""
    if opened.kind == "tf_keras":
        return
    for step in recipe.steps:
        name = recipe.step_type(step)
        if isinstance(step, ImageQuantize) and step.scheme != "int8-qat" and not step.float_layers:
            continue
        what = "a SavedModel, which has no layers" if opened.kind == "saved model" else "a Keras 3 model"
        step_name = f"{name} ({step.scheme})" if isinstance(step, ImageQuantize) else name
        raise RecipeError(
            f"{opened.where}: the step {step_name} rewrites the network with TFMOT, which supports tf_keras "
            f"networks only; this is {what}. Use int8, int16x8, dynamic or float16, which only calibrate, or "
            "save the model with tf_keras (Keras 2)"
        )


def open_model(source: Path | keras.Model, preprocessing: Preprocessing, work: Path | None) -> Opened:
    """Open a file, a SavedModel directory or a Keras model object; converted models are written to ``work``.

    DataError if it cannot be read, RecipeError for a model that is not an image classifier.
    """
    if isinstance(source, keras.Model):
        where = f"model {source.name!r}"
        return Opened("tf_keras", where, *_adopted(source, preprocessing, where))
    if not isinstance(source, Path):
        source = _saved_keras3(source, work)
    kind = kind_of(source)
    if kind == "tf_keras":
        return Opened(kind, str(source), *_adopted(_read(source), preprocessing, str(source)))
    saved_model = source if kind == "saved model" else _exported(source, _expected_work(work))
    shape = input_shape_of(saved_model)
    expect_classifier(shape, (None, 2), str(source))
    height, width = _size(shape, preprocessing, str(source))
    image_input = preprocessing.image_input(height, width, int(shape[-1] or 0))
    network = network_of_saved_model(saved_model, image_input.shape)
    return Opened(kind, str(source), network, image_input, saved_model)


def _adopted(model: keras.Model, preprocessing: Preprocessing, where: str) -> tuple[keras.Model, ImageInput]:
    expect_classifier(model.input_shape, model.output_shape, where)
    height, width = _size(model.input_shape, preprocessing, where)
    sized = keras.Input((height, width, model.input_shape[-1]), dtype=model.inputs[0].dtype, name="image")
    if model.input_shape[1:3] != (height, width):
        model = keras.Model(sized, model(sized), name=model.name)
    image_input = preprocessing.image_input(height, width, model.input_shape[-1])
    found = adopted(model, image_input, where)
    return found.model, found.image_input


def _saved_keras3(model: Any, work: Path | None) -> Path:
    """Save a Keras 3 model object to a file, so that it is processed like one."""
    if not type(model).__module__.startswith("keras.") and not hasattr(model, "save"):
        raise TypeError(
            f"model: expected a Keras model, or the path of a .keras or .h5 file or of a SavedModel, found "
            f"{type(model).__name__}"
        )
    path = _expected_work(work) / "model.keras"
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)
    return path


def _exported(path: Path, work: Path) -> Path:
    """Export a Keras 3 file as a SavedModel."""
    target = work / "saved_model"
    shutil.rmtree(target, ignore_errors=True)
    export_keras3(path, target)
    return target


def _expected_work(work: Path | None) -> Path:
    if work is None:
        raise RecipeError("work: expected a directory for the SavedModel of a Keras 3 model, found None")
    return work


def _read(path: Path) -> keras.Model:
    """Load a tf_keras file; code in it is not executed."""
    try:
        return load_network(path)
    except DataError as error:
        raise RecipeError(f"{error}; {_WITHOUT_CODE}. Save an .h5 file of Keras 3 as .keras") from error


_WITHOUT_CODE = (
    "a model of built-in Keras layers supports every recipe, a SavedModel the recipes without training"
)


def _size(shape: tuple[int | None, ...], preprocessing: Preprocessing, where: str) -> tuple[int, int]:
    height, width = shape[1] or preprocessing.height, shape[2] or preprocessing.width
    if not height or not width:
        raise RecipeError(
            f"{where}: expected a fixed input size, found a model for images of any size; set it with "
            "--size, such as --size 96x96"
        )
    if preprocessing.height and (height, width) != (preprocessing.height, preprocessing.width):
        raise RecipeError(
            f"{where}: expected the model's input size {height}×{width}, found "
            f"{preprocessing.height}×{preprocessing.width}; leave the size out"
        )
    return height, width


__all__ = ["Kind", "Opened", "expect_possible", "kind_of", "open_model"]
