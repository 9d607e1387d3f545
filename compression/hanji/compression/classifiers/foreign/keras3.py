"""What Keras 3 has saved, made a SavedModel. TFMOT and the rest of hanji know tf_keras only."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from hanji.training.errors import RecipeError


def export_keras3(path: Path, target: Path) -> None:
    """Write the model of the .keras file ``path`` as a SavedModel, without softmax at its end.

    RecipeError where Keras 3 cannot read it, or does not compute with TensorFlow here.
    """
    keras = _keras3()
    try:
        model = keras.saving.load_model(path, compile=False)
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
            f"a file of Keras 3 is exported with TensorFlow, but Keras is set to compute with "
            f"{keras.backend.backend()}; set KERAS_BACKEND=tensorflow"
        )
    return keras


def _without_softmax(keras: Any, model: Any) -> Any:
    """The same model giving logits, where its last layer says that it makes probabilities of them."""
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax) or (
        isinstance(last, keras.layers.Activation) and last.activation is keras.activations.softmax
    ):
        return keras.Model(model.inputs, last.input)
    if getattr(last, "activation", None) is keras.activations.softmax:
        last.activation = keras.activations.linear
    return model
