"""Copying and serialization of Keras networks and their weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

import hanji.training.classifiers.models.build  # noqa: F401 - registers hanji's layers with Keras
from hanji.training.classifiers.untrusted.keras_config import expect_known_config
from hanji.training.errors import DataError


def copied(model: keras.Model) -> keras.Model:
    """A copy of the network and its weights; a Sequential becomes a functional model."""
    functional = keras.Model(model.inputs, model.outputs, name=model.name)
    copy = keras.models.clone_model(functional)
    copy.set_weights(functional.get_weights())
    return copy


def weights_by_name(model: keras.Model) -> dict[str, NDArray[Any]]:
    """The weights by names such as "layer/kernel", regardless of wrappers around the layer."""
    return {name: weight.numpy() for name, weight in named_variables(model).items()}


def named_variables(model: keras.Model) -> dict[str, tf.Variable]:
    """The variables of ``weights_by_name``.

    Weights of one layer with the same last part, such as those of a Bidirectional, are numbered.
    """
    named: dict[str, tf.Variable] = {}
    for layer in model.layers:
        for weight in layer.weights:
            name = f"{unwrapped_name(layer)}/{_last_part(weight)}"
            taken = sum(other == name or other.startswith(f"{name}#") for other in named)
            named[f"{name}#{taken}" if taken else name] = weight
    return named


def unwrapped_name(layer: keras.layers.Layer) -> str:
    """The name of a layer, or of the one that TFMOT wraps; TFMOT's input layer loses its numeric suffix."""
    is_wrapper = type(layer).__module__.startswith("tensorflow_model_optimization")
    name = str(getattr(layer, "layer", layer).name if is_wrapper else layer.name)
    return "quantize_layer" if name.startswith("quantize_layer") else name


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy all weights of ``target`` from those with the same names in ``source``, which may have more.

    They are matched by name, because wrappers reorder weights. A per-tensor range is broadcast to all
    channels. KeyError if a weight is missing.
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
    """Keras's JSON of a network, without weights."""
    return str(model.to_json())


def network_of(architecture: str, where: str) -> keras.Model:
    """A new network from the JSON of ``architecture_of``.

    DataError, naming ``where``, if it is invalid or names classes or functions that are not built in.
    """
    try:
        expect_known_config(json.loads(architecture), where)
        return keras.models.model_from_json(architecture)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{where}: not a network that Keras can build ({error}); run the stage again"
        ) from error


@contextmanager
def without_xla(model: keras.Model) -> Iterator[None]:
    """Trace grouped convolutions as plain operations inside the block.

    Keras calls an XLA-compiled function instead, as TensorFlow has no CPU kernel for them; no export format
    supports XLA.
    """
    grouped = [layer for layer in model.submodules if getattr(layer, "groups", 1) > 1]
    convolutions = [layer for layer in grouped if hasattr(layer, "_jit_compiled_convolution_op")]
    try:
        for layer in convolutions:
            layer._jit_compiled_convolution_op = layer.convolution_op
        yield
    finally:
        for layer in convolutions:
            del layer._jit_compiled_convolution_op


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
    "unwrapped_name",
    "weights_by_name",
    "without_xla",
]
