"""Opens a classifier that was trained elsewhere: a Keras model or file, or a SavedModel.

A functional or sequential tf_keras model supports every recipe. A model of Keras 3 and a SavedModel can only
be called, not rewritten: they support the recipes that the converter carries out alone.
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
    """A network of normalized images → logits, with how images are normalized for it."""

    kind: Kind
    where: str
    """What errors call it: a path, or a model's name."""

    model: keras.Model
    image_input: ImageInput
    saved_model: Path | None = None
    """The SavedModel that computes, where there is no network of Keras layers."""


def kind_of(path: Path) -> Kind:
    """What the model in ``path`` was saved as; DataError if it is none that can be read."""
    if (path / "saved_model.pb").is_file():
        return "saved model"
    if not path.is_file():
        raise DataError(f"{path}: expected a .keras or .h5 file or a SavedModel directory, found none there")
    with path.open("rb") as file:
        if file.read(4) == _HDF5:
            return "tf_keras"
    try:
        with zipfile.ZipFile(path) as archive:
            version = str(json.loads(archive.read("metadata.json"))["keras_version"])
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataError(f"{path}: not a model that Keras has saved ({error})") from None
    return "tf_keras" if version.startswith("2.") else "keras 3"


def expect_possible(recipe: ImageRecipe, opened: Opened) -> None:
    """RecipeError for steps that train, where TFMOT cannot, before anything long begins."""
    if opened.kind == "tf_keras":
        return
    for step in recipe.steps:
        name = recipe.step_type(step)
        if isinstance(step, ImageQuantize) and step.scheme != "int8-qat" and not step.float_layers:
            continue
        what = "a SavedModel, whose layers are gone" if opened.kind == "saved model" else "a model of Keras 3"
        step_name = f"{name} ({step.scheme})" if isinstance(step, ImageQuantize) else name
        raise RecipeError(
            f"{opened.where}: the step {step_name} rewrites the network with TFMOT, which supports tf_keras "
            f"networks only; this is {what}. Use int8, int16x8, dynamic or float16, which only calibrate, or "
            "save the model with tf_keras (Keras 2)"
        )


def open_model(source: Path | keras.Model, preprocessing: Preprocessing, work: Path | None) -> Opened:
    """Open a file, a SavedModel directory or a Keras model object; ``work`` takes what has to be written.

    DataError where it cannot be read, RecipeError for a model that is no image classifier.
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
    """A model of Keras 3 as a file: it is processed as if it had come from one."""
    if not type(model).__module__.startswith("keras.") and not hasattr(model, "save"):
        raise RecipeError(
            f"model: expected a Keras model, or the path of a .keras or .h5 file or of a SavedModel, found "
            f"{type(model).__name__}"
        )
    path = _expected_work(work) / "model.keras"
    path.parent.mkdir(parents=True, exist_ok=True)
    model.save(path)
    return path


def _exported(path: Path, work: Path) -> Path:
    """A file of Keras 3 as a SavedModel."""
    target = work / "saved_model"
    shutil.rmtree(target, ignore_errors=True)
    export_keras3(path, target)
    return target


def _expected_work(work: Path | None) -> Path:
    if work is None:
        raise RecipeError("work: expected a directory for the SavedModel of a Keras 3 model, found None")
    return work


def _read(path: Path) -> keras.Model:
    """A tf_keras file; nothing in it is run."""
    try:
        return load_network(path)
    except DataError as error:
        raise RecipeError(f"{error}; {_WITHOUT_CODE}. An .h5 file of Keras 3: save it as .keras") from error


_WITHOUT_CODE = "a model of Keras's own layers takes every recipe, a SavedModel those without training"


def _size(shape: tuple[int | None, ...], preprocessing: Preprocessing, where: str) -> tuple[int, int]:
    height, width = shape[1] or preprocessing.height, shape[2] or preprocessing.width
    if not height or not width:
        raise RecipeError(f"{where}: takes pictures of any size; say which with --size, such as --size 96x96")
    if preprocessing.height and (height, width) != (preprocessing.height, preprocessing.width):
        raise RecipeError(
            f"{where}: takes pictures of {height}×{width}, found a size of "
            f"{preprocessing.height}×{preprocessing.width} asked for; leave it out"
        )
    return height, width


__all__ = ["Kind", "Opened", "expect_possible", "kind_of", "open_model"]
