"""Compression of a model that was trained elsewhere: a Keras file or a SavedModel.

A functional or sequential tf_keras model takes every recipe. What Keras 3 has saved, and a SavedModel, can
only be computed with, not taken apart: they take the recipes that the converter carries out alone.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Literal

import tf_keras as keras

from hanji.compression.classifiers.compress import compress_classifier
from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.foreign.adopt import Adopted, adopted, expect_classifier
from hanji.compression.classifiers.foreign.keras3 import export_keras3
from hanji.compression.classifiers.foreign.keras_classifier import KerasClassifier
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.compression.classifiers.foreign.saved_model import input_shape_of, network_of_saved_model
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ImageQuantize
from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.data import ImageDataConfig, ImageDataset, load_images
from hanji.training.classifiers.evaluation import evaluate_classifier
from hanji.training.classifiers.models.loading import load_network
from hanji.training.classifiers.trained import summarize
from hanji.training.errors import DataError, RecipeError
from hanji.training.fitting.determinism import seed_everything

Kind = Literal["tf_keras", "keras 3", "saved model"]

TRAINING = ImageTrainingConfig(
    optimizer="adam", learning_rate=0.001, weight_decay=0.0, warmup=0.1, batch_size=64
)
"""How steps train a model of which nobody knows how it was trained."""

_HDF5 = b"\x89HDF"


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
    """Carry the recipe out on the model in ``path``: a .keras or .h5 file, or a SavedModel's directory.

    ``data`` is a folder of pictures, one sub-folder a class; in alphabetical order they are the model's
    classes. ``work`` takes checkpoints. Raises RecipeError for a step that this kind of file cannot take and
    for a model that is no classifier of pictures, DataError for files that cannot be read.
    """
    kind = kind_of(path)
    _expect_possible(recipe, kind, path)
    seed_everything(seed)
    saved_model = _saved_model_of(path, kind, work)
    found = _opened(path, saved_model, preprocessing)
    config = ImageDataConfig(
        name=f"pictures in {data.resolve().name}",
        format="folder",
        height=found.image_input.height,
        width=found.image_input.width,
        colour="grey" if found.image_input.channels == 1 else "rgb",
        fit=preprocessing.fit,
    )
    dataset = load_images(config, data, seed=seed)
    _expect_classes(found.model.output_shape[-1], dataset, data)
    classifier = KerasClassifier(
        model=found.model,
        labels=dataset.labels,
        names=dataset.names,
        image_input=found.image_input,
        metrics=evaluate_classifier(found.model, dataset.test, found.image_input),
        training=training,
        data=summarize(dataset),
        seed=seed,
        saved_model=saved_model,
    )
    return compress_classifier(classifier, recipe, dataset, work=work)


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


def _expect_possible(recipe: ImageRecipe, kind: Kind, path: Path) -> None:
    """RecipeError for steps that train, where TFMOT cannot, before anything long begins."""
    if kind == "tf_keras":
        return
    for step in recipe.steps:
        name = recipe.step_type(step)
        if isinstance(step, ImageQuantize) and step.scheme != "int8-qat" and not step.float_layers:
            continue
        what = "a SavedModel, whose layers are gone" if kind == "saved model" else "a file of Keras 3"
        step_name = f"{name} ({step.scheme})" if isinstance(step, ImageQuantize) else name
        raise RecipeError(
            f"{path}: the step {step_name} takes a network apart, with TFMOT, which knows tf_keras networks "
            f"only; this is {what}. Take int8, int16x8, dynamic or float16, which only calibrate, or save "
            "the model with tf_keras (Keras 2)"
        )


def _saved_model_of(path: Path, kind: Kind, work: Path) -> Path | None:
    """The SavedModel that computes; None for a network that can be taken apart."""
    if kind == "saved model":
        return path
    if kind == "tf_keras":
        return None
    target = work / "saved_model"
    shutil.rmtree(target, ignore_errors=True)
    export_keras3(path, target)
    return target


def _opened(path: Path, saved_model: Path | None, preprocessing: Preprocessing) -> Adopted:
    if saved_model is None:
        model = _read(path)
        expect_classifier(model.input_shape, model.output_shape, str(path))
        height, width = _size(model.input_shape, preprocessing, path)
        sized = keras.Input((height, width, model.input_shape[-1]), dtype=model.inputs[0].dtype, name="image")
        if model.input_shape[1:3] != (height, width):
            model = keras.Model(sized, model(sized), name=model.name)
        image_input = preprocessing.image_input(height, width, model.input_shape[-1])
        return adopted(model, image_input, str(path))
    shape = input_shape_of(saved_model)
    expect_classifier(shape, (None, 2), str(path))
    height, width = _size(shape, preprocessing, path)
    image_input = preprocessing.image_input(height, width, int(shape[-1] or 0))
    return Adopted(network_of_saved_model(saved_model, image_input.shape), image_input)


def _read(path: Path) -> keras.Model:
    """A tf_keras file; nothing in it is run."""
    try:
        return load_network(path)
    except DataError as error:
        raise RecipeError(f"{error}; {_WITHOUT_CODE}. An .h5 file of Keras 3: save it as .keras") from error


_WITHOUT_CODE = "a model of Keras's own layers takes every recipe, a SavedModel those without training"


def _size(shape: tuple[int | None, ...], preprocessing: Preprocessing, path: Path) -> tuple[int, int]:
    height, width = shape[1] or preprocessing.height, shape[2] or preprocessing.width
    if not height or not width:
        raise RecipeError(f"{path}: takes pictures of any size; say which with --size, such as --size 96x96")
    if preprocessing.height and (height, width) != (preprocessing.height, preprocessing.width):
        raise RecipeError(
            f"{path}: takes pictures of {height}×{width}, found a size of "
            f"{preprocessing.height}×{preprocessing.width} asked for; leave it out"
        )
    return height, width


def _expect_classes(classes: int, dataset: ImageDataset, data: Path) -> None:
    if classes != dataset.classes:
        shown = ", ".join(dataset.labels[:5]) + (", …" if dataset.classes > 5 else "")
        raise DataError(
            f"{data}: expected a sub-folder for each of the model's {classes} classes, found "
            f"{dataset.classes} ({shown})"
        )


__all__ = ["TRAINING", "compress_keras_file", "kind_of"]
