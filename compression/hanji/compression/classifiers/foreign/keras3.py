"""Export of Keras 3 files as SavedModels: TFMOT and the rest of hanji support only tf_keras (Keras 2)."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from hanji.training.classifiers.untrusted.keras_file import expect_known_keras_file
from hanji.training.classifiers.untrusted.trust import trusts_code
from hanji.training.errors import RecipeError


def export_keras3(path: Path, target: Path) -> None:
    """Write the model in the .keras file ``path`` as a SavedModel, without a final softmax.

    RecipeError if Keras 3 cannot read it, or runs with another backend than TensorFlow.
    """
    expect_known_keras_file(path)
    keras = _keras3()
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=not trusts_code())
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecipeError(
            f"{path}: not a model that Keras {keras.__version__} can read: {error}; save it as a SavedModel"
        ) from error
    _without_softmax(keras, model).export(target, format="tf_saved_model", verbose=False)


def _keras3() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    keras = importlib.import_module("keras")
    if keras.backend.backend() != "tensorflow":
        raise RecipeError(
            f"expected Keras 3 with the TensorFlow backend, to export a SavedModel, found the backend "
            f"{keras.backend.backend()}; set KERAS_BACKEND=tensorflow"
        )
    return keras


def _without_softmax(keras: Any, model: Any) -> Any:
    """The same model with logits as outputs, if its last layer is or ends in a softmax."""
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax) or (
        isinstance(last, keras.layers.Activation) and last.activation is keras.activations.softmax
    ):
        return keras.Model(model.inputs, last.input)
    if getattr(last, "activation", None) is keras.activations.softmax:
        last.activation = keras.activations.linear
    return model
