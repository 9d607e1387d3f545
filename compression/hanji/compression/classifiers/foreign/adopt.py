"""Conversion of a network trained elsewhere: normalized images → logits, flat and functional.

A final softmax or sigmoid is removed, since the steps work on logits; other probabilities become logits by
their logarithms. Scaling layers at the start are folded into the normalization of the images: it is exact
there, and the input is quantized only once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tf_keras as keras

from hanji.compression.classifiers.foreign.head import Head, before_activation, logits_of
from hanji.compression.classifiers.foreign.separable import separated
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.models.rebuilding import calls, flattened, rebuilt
from hanji.training.errors import RecipeError

L = keras.layers
_AUGMENTATION = (
    *(L.RandomFlip, L.RandomRotation, L.RandomTranslation, L.RandomZoom, L.RandomContrast),
    *(L.RandomBrightness, L.RandomHeight, L.RandomWidth),
)


@dataclass(frozen=True)
class Adopted:
    """A converted network and the normalization of its images."""

    model: keras.Model
    image_input: ImageInput


def adopted(model: keras.Model, image_input: ImageInput, where: str, head: Head) -> Adopted:
    """``model``, with the normalization ``image_input``, converted to the form of hanji's networks.

    ``head`` states what its output means. RecipeError, naming ``where`` the model comes from, for a network
    that cannot be flattened.
    """
    flat = _flat(model, image_input, where)
    scaling = _scaling(flat)
    for layer in scaling:
        image_input = _scaled(image_input, layer)
    removed = {layer.name for layer in flat.layers if isinstance(layer, _AUGMENTATION)}
    removed |= {layer.name for layer in scaling}
    return Adopted(_converted(flat, removed, head), image_input)


def _flat(model: keras.Model, image_input: ImageInput, where: str) -> keras.Model:
    """``model`` for float32 images of one size, with nested networks flattened and separable convolutions
    split."""
    try:
        if model.inputs[0].dtype != "float32" or model.input_shape != (None, *image_input.shape):
            image = keras.Input(image_input.shape, dtype="float32", name="image")
            model = keras.Model(image, model(image), name=model.name)
        return separated(flattened(model))
    except ValueError as error:
        raise RecipeError(
            f"{where}: {error}; saved as a SavedModel, it supports the recipes without training"
        ) from error


def _converted(flat: keras.Model, removed: set[str], head: Head) -> keras.Model:
    """``flat`` without the ``removed`` layers, computing logits, in float32."""
    last = _last_activation(flat, _ACTIVATIONS.get(head))
    if last is not None:
        head = before_activation(head)
        if not last.weights:
            removed = removed | {last.name}

    def convert(layer: keras.layers.Layer) -> keras.layers.Layer | None:
        if layer.name in removed:
            return None
        overrides: dict[str, Any] = (
            {"dtype": "float32"} if layer.dtype_policy.name.startswith("mixed_") else {}
        )
        if layer is last:
            overrides["activation"] = "linear"
        if isinstance(layer, L.Normalization) and layer.input_mean is None:
            # As weights, they take effect only when the layer is told so, which loading a network does not.
            mean, variance, _ = layer.get_weights()
            overrides |= {"mean": mean.tolist(), "variance": variance.tolist()}
        return type(layer).from_config({**layer.get_config(), **overrides})

    converted = rebuilt(flat, convert)
    for layer in converted.layers:
        if not isinstance(layer, L.Normalization):
            layer.set_weights(flat.get_layer(layer.name).get_weights())
    if head == "logits":
        return converted
    return keras.Model(converted.inputs, logits_of(converted.output, head), name=converted.name)


_ACTIVATIONS: dict[Head, str] = {"probabilities": "softmax", "binary probability": "sigmoid"}


def _last_activation(flat: keras.Model, activation: str | None) -> keras.layers.Layer | None:
    """The layer that computes the output and is or ends in ``activation``, if it computes nothing else."""
    layer = flat.outputs[0].node.layer
    if activation is None or sum(node.layer is layer for node in calls(flat)) != 1:
        return None
    if type(layer).__name__ == "TFOpLambda":
        matches = str(layer.get_config()["function"]).split(".")[-1] == activation
    elif isinstance(layer, L.Softmax):
        matches = activation == "softmax"
    elif isinstance(layer, L.Activation | L.Dense | L.Conv2D):
        matches = layer.activation is getattr(keras.activations, activation)
    else:
        matches = False
    return layer if matches else None


def _scaling(flat: keras.Model) -> list[keras.layers.Layer]:
    """The leading layers that only scale the image."""
    scaling: list[keras.layers.Layer] = []
    layer = flat.get_layer(flat.input_names[0])
    while len(layer.outbound_nodes) == 1:
        layer = layer.outbound_nodes[0].outbound_layer
        if len(layer.inbound_nodes) != 1:
            break  # it is applied to something else as well
        if isinstance(layer, L.Rescaling | L.Normalization) and _factors(layer) is not None:
            scaling.append(layer)
        elif not isinstance(layer, _AUGMENTATION):
            break
    return scaling


def _factors(layer: keras.layers.Layer) -> tuple[Any, Any] | None:
    """Scale and offset of a scaling layer; None unless they are scalars or one number per channel."""
    if isinstance(layer, L.Rescaling):
        scale, offset = np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64)
    elif layer.invert or layer.mean is None:
        return None
    else:
        deviation = np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), keras.backend.epsilon())
        scale, offset = 1.0 / deviation, -np.asarray(layer.mean, np.float64) / deviation
    channels = layer.input_shape[-1]
    if any(values.size != 1 and values.shape[-1:] != (values.size,) for values in (scale, offset)):
        return None  # more numbers than one for each channel
    if {scale.size, offset.size} - {1, channels} or (scale <= 0.0).any():
        return None
    return scale.reshape(-1), offset.reshape(-1)


def _scaled(image_input: ImageInput, layer: keras.layers.Layer) -> ImageInput:
    """``image_input`` with the scaling of ``layer`` folded in."""
    scale, offset = _factors(layer) or (1.0, 0.0)
    std = np.array(image_input.std, np.float64) / scale
    mean = np.array(image_input.mean, np.float64) - offset * std
    return replace(
        image_input,
        mean=tuple(float(f"{value:.9g}") for value in mean),
        std=tuple(float(f"{value:.9g}") for value in std),
    )


__all__ = ["Adopted", "adopted"]
