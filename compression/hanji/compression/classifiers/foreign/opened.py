"""Opens a classifier that was trained elsewhere: a Keras model or file, or a SavedModel.

A functional or sequential tf_keras model supports every recipe. A Keras 3 model and a SavedModel can only be
called, not rewritten: they support only the recipes that the converter performs by itself.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import tf_keras as keras

from hanji.compression.classifiers.foreign.keras3 import called, export_keras3, load_keras3
from hanji.compression.classifiers.foreign.original import (
    Kind,
    Original,
    expect_image_input,
    image_size,
    opened_original,
)
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.compression.classifiers.foreign.saved_model import SavedSignature, signature_of
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ImageQuantize
from hanji.training.classifiers.models.loading import load_network
from hanji.training.classifiers.models.rebuilding import expect_graph
from hanji.training.classifiers.untrusted.keras_file import archived_version
from hanji.training.errors import DataError, RecipeError

_HDF5 = b"\x89HDF"


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
            version = archived_version(archive, path)
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, OSError) as error:
        raise DataError(f"{path}: not a model saved by Keras ({error})") from None
    return "tf_keras" if version.startswith("2.") else "keras 3"


def expect_possible(recipe: ImageRecipe, original: Original) -> None:
    """RecipeError, before any training starts, for steps that need TFMOT if it does not support the model."""
    if original.kind == "tf_keras":
        return
    for step in recipe.steps:
        name = recipe.step_type(step)
        if isinstance(step, ImageQuantize) and step.scheme != "int8-qat" and not step.float_layers:
            continue
        what = "a SavedModel, which has no layers" if original.kind == "saved model" else "a Keras 3 model"
        step_name = f"{name} ({step.scheme})" if isinstance(step, ImageQuantize) else name
        raise RecipeError(
            f"{original.where}: the step {step_name} rewrites the network with TFMOT, which needs a tf_keras "
            f"network; this is {what}. Use int8, int16x8, dynamic or float16, which only calibrate, or "
            "save the model with tf_keras (Keras 2)"
        )


def open_model(source: Any, preprocessing: Preprocessing, work: Path | None) -> Original:
    """Open a file, a SavedModel directory or a Keras model object; SavedModels of Keras 3 go to ``work``.

    DataError if it cannot be read, RecipeError for a model that is not an image classifier.
    """
    if isinstance(source, keras.Model):
        return _tf_keras(source, preprocessing, f"model {source.name!r}")
    if not isinstance(source, Path):
        source = _saved_keras3(source, work)
    kind = kind_of(source)
    if kind == "tf_keras":
        return _tf_keras(_read(source), preprocessing, str(source))
    if kind == "saved model":
        return _saved_model(source, preprocessing)
    return _keras3(source, preprocessing, _expected_work(work))


def _tf_keras(model: keras.Model, preprocessing: Preprocessing, where: str) -> Original:
    try:
        expect_graph(model)
    except ValueError as error:
        raise RecipeError(
            f"{where}: {error}; saved as a SavedModel, it supports the recipes without training"
        ) from error
    _expect_single(model, where)
    if not (isinstance(model.input_shape, tuple) and isinstance(model.output_shape, tuple)):
        model = keras.Model(
            model.inputs[0], model.outputs[0], name=model.name
        )  # not in dictionaries or lists
    expect_image_input(model.input_shape, where)
    size = image_size(model.input_shape, preprocessing, where)

    def call(image: Any) -> Any:
        return model(image, training=False)

    shape = (*size, int(model.input_shape[-1] or 3))
    return opened_original("tf_keras", where, model, call, model.inputs[0].dtype, preprocessing, shape)


def _expect_single(model: Any, where: str) -> None:
    """RecipeError unless the Keras model has one input and one output."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise RecipeError(
            f"{where}: expected one input of images and one output of classes, found {len(model.inputs)} and "
            f"{len(model.outputs)}; save a model with the output of the classes alone, such as "
            "keras.Model(model.inputs, model.outputs[0])"
        )


def _saved_model(path: Path, preprocessing: Preprocessing) -> Original:
    signature = signature_of(path, str(path))
    return _opaque("saved model", str(path), path, signature, signature, preprocessing)


def _keras3(path: Path, preprocessing: Preprocessing, work: Path) -> Original:
    """The Keras 3 model itself, and its export as a SavedModel to convert."""
    model, target = load_keras3(path), work / "saved_model"
    _expect_single(model, str(path))
    shutil.rmtree(target, ignore_errors=True)
    export_keras3(path, target)

    def call(image: Any) -> Any:
        return called(model, image)

    return _opaque("keras 3", str(path), target, signature_of(target, str(path)), call, preprocessing)


def _opaque(
    kind: Kind,
    where: str,
    saved_model: Path,
    signature: SavedSignature,
    call: Any,
    preprocessing: Preprocessing,
) -> Original:
    """The Original of a SavedModel or of a model exported as one, whose ``signature`` states the input."""
    spec = signature.image
    shape = (None,) * 4 if spec.shape.rank is None else tuple(spec.shape)
    expect_image_input(shape, where)
    size = image_size(shape, preprocessing, where)

    def opened(channels: int) -> Original:
        given = (*size, channels)
        return opened_original(kind, where, saved_model, call, spec.dtype, preprocessing, given)

    if shape[-1] is not None:
        return opened(shape[-1])
    try:
        return opened(3)
    except RecipeError as error:
        try:
            return opened(1)
        except RecipeError:
            raise error from None


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

__all__ = ["expect_possible", "kind_of", "open_model"]
