"""Activations that TFMOT supports as layers of their own, but not inside a convolution or Dense layer."""

from __future__ import annotations

import tf_keras as keras

from hanji.training.classifiers.models.quantizable import fused_activation_obstacle
from hanji.training.classifiers.models.rebuilding import with_parts

L = keras.layers


def with_separate_activations(flat: keras.Model) -> keras.Model:
    """A copy of the ``flat`` network with each such activation, as elu or mish, as a layer after its own.

    The outputs are the same. The layer keeps its name, the new one adds "_activation" to it.
    """
    return with_parts(flat, _parts)


def _parts(layer: keras.layers.Layer) -> keras.Model | None:
    if fused_activation_obstacle(layer) is None:
        return None
    linear = type(layer).from_config({**layer.get_config(), "activation": "linear"})
    activation = L.Activation(layer.activation, name=f"{layer.name}_activation")
    shape = (*(None for _ in layer.input_shape[1:-1]), layer.input_shape[-1])
    return keras.Sequential([keras.Input(shape), linear, activation], name=f"{layer.name}_parts")


__all__ = ["with_separate_activations"]
