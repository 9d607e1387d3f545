"""Conversion of an opened model to a network of hanji, which has to answer as the model itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.agreement import BOUND, HALF_BOUND
from hanji.compression.classifiers.foreign.adopt import adopted
from hanji.compression.classifiers.foreign.convertible import expect_convertible
from hanji.compression.classifiers.foreign.head import Head, answers, head_of
from hanji.compression.classifiers.foreign.original import Original
from hanji.compression.classifiers.foreign.reference import Reference, expect_same_answers
from hanji.compression.classifiers.foreign.saved_model import network_of_saved_model
from hanji.compression.classifiers.networks import architecture_of, network_of
from hanji.runtime.manifest import ImageInput
from hanji.training.errors import DataError, RecipeError
from hanji.training.reasons import reason_of


@dataclass(frozen=True)
class ConvertedModel:
    """A network of normalized images → logits, the normalization, and the answers of the original."""

    model: keras.Model
    image_input: ImageInput
    reference: Reference
    head: Head
    saved_model: Path | None
    """The SavedModel that is executed, if there is no network of Keras layers."""


def converted(original: Original, images: NDArray[np.uint8]) -> ConvertedModel:
    """``original`` as a network that answers the user's ``images`` uint8 [n, h, w, c] as it does.

    RecipeError for a model that cannot be converted or exported, whose outputs are not those of a classifier,
    or whose conversion answers differently.
    """
    outputs = original.outputs(images)
    head = head_of(original.graph, outputs, original.where)
    bound = HALF_BOUND if original.graph.half_precision else BOUND
    reference = Reference(images, answers(outputs, head), bound)
    model, image_input = _network(original, head)
    expect_same_answers(model, image_input, reference, original.where)
    expect_convertible(model, original.where)
    saved_model = None if original.kind == "tf_keras" else original.source
    return ConvertedModel(model, image_input, reference, head, saved_model)


def _network(original: Original, head: Head) -> tuple[keras.Model, ImageInput]:
    image_input = original.image_input
    try:
        if original.kind != "tf_keras":
            return network_of_saved_model(
                original.source, image_input.shape, head, original.units
            ), image_input
        found = adopted(original.source, image_input, original.where, head)
        return _reloaded(found.model), found.image_input
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, tf.errors.OpError) as error:
        way = "use built-in layers of Keras" if original.kind != "tf_keras" else "save it as a SavedModel"
        raise RecipeError(
            f"{original.where}: the model cannot be converted: {reason_of(error)}; {way}"
        ) from error


def _reloaded(model: keras.Model) -> keras.Model:
    """``model`` as it will be loaded: what is compared with the original is what the next stage gets.

    ValueError if it has layers that cannot be loaded without their code.
    """
    try:
        loaded = network_of(architecture_of(model), "the converted network")
    except (DataError, NotImplementedError) as error:
        raise ValueError(f"a layer has code of its own ({reason_of(error)})") from error
    loaded.set_weights(model.get_weights())
    return loaded


__all__ = ["ConvertedModel", "converted"]
