"""Keras networks as things to copy, to write down and to build again."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

import hanji.training.classifiers.models.build  # noqa: F401 - Keras knows its own layers from then on
from hanji.training.errors import DataError


def copied(model: keras.Model) -> keras.Model:
    """The same network with weights of its own; a Sequential becomes an ordinary functional one."""
    functional = keras.Model(model.inputs, model.outputs, name=model.name)
    copy = keras.models.clone_model(functional)
    copy.set_weights(functional.get_weights())
    return copy


def weights_by_name(model: keras.Model) -> dict[str, NDArray[Any]]:
    """Each weight under "layer/kernel" and the like, whatever wraps the layer."""
    return {name: weight.numpy() for name, weight in named_variables(model).items()}


def named_variables(model: keras.Model) -> dict[str, tf.Variable]:
    """The variables that ``weights_by_name`` reads."""
    return {
        f"{own_name(layer)}/{_last_part(weight)}": weight
        for layer in model.layers
        for weight in layer.weights
    }


def own_name(layer: keras.layers.Layer) -> str:
    """The name of a layer, or of the one that it wraps; the number of TFMOT's input layer means nothing."""
    name = str(getattr(layer, "layer", layer).name)
    return "quantize_layer" if name.startswith("quantize_layer") else name


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """All weights of ``target`` from those of the same name in ``source``, which may have others beside them.

    By name: wrappers move and reorder weights. One range for a whole kernel is taken for each of its
    channels. KeyError where a weight is missing.
    """
    values = weights_by_name(source)
    for name, weight in named_variables(target).items():
        weight.assign(np.broadcast_to(values[name], weight.shape))


def fingerprint(model: keras.Model) -> str:
    """SHA-256 of all weights, in hex."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()


def architecture_of(model: keras.Model) -> str:
    """Keras's JSON of a network; no weights."""
    return str(model.to_json())


def network_of(architecture: str, where: str) -> keras.Model:
    """A new network from ``architecture_of``'s JSON; DataError, naming ``where``, if that is damaged."""
    try:
        return keras.models.model_from_json(architecture)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{where}: not a network that Keras can build ({error}); run the stage again"
        ) from error


def _last_part(weight: tf.Variable) -> str:
    part = str(weight.name).rsplit("/", 1)[-1].removesuffix(":0")
    return part.rsplit("_", 1)[-1] if part.startswith("quantize_layer") else part


__all__ = [
    "architecture_of",
    "copied",
    "copy_weights",
    "fingerprint",
    "named_variables",
    "network_of",
    "own_name",
    "weights_by_name",
]
