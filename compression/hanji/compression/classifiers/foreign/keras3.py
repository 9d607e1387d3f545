"""Keras 3 models: called as they are, and exported as SavedModels.

TFMOT and the rest of hanji support only tf_keras (Keras 2).
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import tensorflow as tf

from hanji.training.classifiers.untrusted.keras_file import expect_known_keras_file
from hanji.training.classifiers.untrusted.trust import trusts_code
from hanji.training.errors import RecipeError
from hanji.training.reasons import reason_of


def load_keras3(path: Path) -> Any:
    """The functional or sequential Keras 3 model in the file ``path``; code in it is not executed.

    RecipeError for any other model, or if Keras 3 runs with another backend than TensorFlow.
    """
    expect_known_keras_file(path)
    keras = _keras3()
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=not trusts_code())
    except _ERRORS as error:
        raise RecipeError(
            f"{path}: not a model that Keras {keras.__version__} can read: {reason_of(error)}; {_EXPORT}"
        ) from error
    if not isinstance(model, keras.Sequential | keras.src.models.Functional) or not model.inputs:
        raise RecipeError(
            f"{path}: expected a functional or a sequential model with a known input, found a "
            f"{type(model).__name__}; {_EXPORT}"
        )
    return model


def called(model: Any, image: Any) -> Any:
    """The one output of a model for ``image``, also from a dictionary or a list."""
    (output,) = tf.nest.flatten(model(image, training=False))
    return output


def export_keras3(path: Path, target: Path) -> None:
    """Write the model in the file ``path`` as a SavedModel for inference that computes in float32.

    ``model.export`` would keep augmentation active. RecipeError if Keras 3 cannot read or export the model.
    """
    model = load_keras3(path)
    for layer in model._flatten_layers():
        if layer.dtype_policy.name.startswith("mixed_"):
            layer.dtype_policy = "float32"
    image = tf.TensorSpec(model.inputs[0].shape, model.inputs[0].dtype, "image")

    @tf.function(input_signature=[image], autograph=False)  # type: ignore[untyped-decorator]
    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"output": called(model, image)}

    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    try:
        tf.saved_model.save(module, str(target), signatures={"serving_default": serve})
    except _ERRORS as error:
        raise RecipeError(
            f"{path}: the model cannot be saved as a SavedModel: {reason_of(error)}; use layers of Keras only"
        ) from error


_EXPORT = "export it as a SavedModel where it was made, with model.export(DIRECTORY)"
_ERRORS = (
    *(OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, RuntimeError, IndexError),
    tf.errors.OpError,
)


def _keras3() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    keras = importlib.import_module("keras")
    if keras.backend.backend() != "tensorflow":
        raise RecipeError(
            f"expected Keras 3 with the TensorFlow backend, to export a SavedModel, found the backend "
            f"{keras.backend.backend()}; set KERAS_BACKEND=tensorflow"
        )
    return keras


__all__ = ["called", "export_keras3", "load_keras3"]
