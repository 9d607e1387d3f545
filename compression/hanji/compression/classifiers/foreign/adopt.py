"""Conversion of a network trained elsewhere: normalized images → logits, flat and functional.

A final softmax is removed, since the steps work on logits. Scaling layers at the start are folded into the
normalization of the images: it is exact there, and the input is quantized only once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tf_keras as keras

from hanji.compression.classifiers.foreign.separable import separated
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.models.rebuilding import flattened, rebuilt
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


def adopted(model: keras.Model, image_input: ImageInput, where: str) -> Adopted:
    """``model``, with the normalization ``image_input``, converted to the form of hanji's networks.

    RecipeError, naming ``where`` the model comes from, for a network that cannot be flattened, or whose
    output is neither logits nor softmax over classes.
    """
    flat = _flat(model, where)
    scaling = _scaling(flat)
    for layer in scaling:
        image_input = _scaled(image_input, layer)
    removed = {layer.name for layer in flat.layers if isinstance(layer, _AUGMENTATION)}
    removed |= {layer.name for layer in scaling}
    return Adopted(_converted(flat, removed, where), image_input)


def expect_classifier(inputs: Any, outputs: Any, where: str) -> None:
    """RecipeError unless the shapes are images [B, h, w, 1 or 3] and classes [B, ≥ 2]."""
    single = isinstance(inputs, tuple) and isinstance(outputs, tuple)
    if not single or len(inputs) != 4 or inputs[-1] not in (1, 3):
        raise RecipeError(
            f"{where}: expected one input of images [batch, height, width, 1 or 3 channels], found {inputs}"
        )
    if len(outputs) != 2 or (outputs[-1] or 0) < 2:
        raise RecipeError(
            f"{where}: expected one output [batch, classes] with at least two classes, found {outputs}"
        )


def _flat(model: keras.Model, where: str) -> keras.Model:
    """``model`` with nested networks flattened, separable convolutions split, and a float32 input."""
    try:
        if model.inputs and model.inputs[0].dtype != "float32":
            image = keras.Input(model.input_shape[1:], dtype="float32", name="image")
            model = keras.Model(image, model(image), name=model.name)
        return separated(flattened(model))
    except ValueError as error:
        raise RecipeError(
            f"{where}: {error}; saved as a SavedModel, it supports the recipes without training"
        ) from error


def _converted(flat: keras.Model, removed: set[str], where: str) -> keras.Model:
    """``flat`` without the ``removed`` layers and without a final softmax, computing in float32."""
    last = flat.get_layer(flat.output_names[0])
    if _is_softmax(last):
        removed = removed | {last.name}

    def convert(layer: keras.layers.Layer) -> keras.layers.Layer | None:
        if layer.name in removed:
            return None
        overrides = {"dtype": "float32"} if layer.dtype_policy.name.startswith("mixed_") else {}
        if layer is last and _activation(layer) == "softmax":
            overrides["activation"] = "linear"
        return type(layer).from_config({**layer.get_config(), **overrides})

    if last.name not in removed and _activation(last) not in ("linear", "softmax"):
        raise RecipeError(
            f"{where}: expected logits or softmax as the output, found {_activation(last)} in layer "
            f"{last.name!r}; only single-label classifiers are supported"
        )
    converted = rebuilt(flat, convert)
    for layer in converted.layers:
        layer.set_weights(flat.get_layer(layer.name).get_weights())
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    return converted


def _is_softmax(layer: keras.layers.Layer) -> bool:
    """Whether the layer is a pure softmax: a Keras layer or a bare TensorFlow function."""
    if type(layer).__name__ == "TFOpLambda":
        return str(layer.get_config()["function"]).endswith("softmax")
    return isinstance(layer, L.Softmax) or (type(layer) is L.Activation and _activation(layer) == "softmax")


def _activation(layer: keras.layers.Layer) -> str:
    return getattr(getattr(layer, "activation", None), "__name__", "linear")


def _scaling(flat: keras.Model) -> list[keras.layers.Layer]:
    """The leading layers that only scale the image."""
    scaling: list[keras.layers.Layer] = []
    layer = flat.get_layer(flat.input_names[0])
    while len(layer.outbound_nodes) == 1:
        layer = layer.outbound_nodes[0].outbound_layer
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
    scale, offset = np.squeeze(scale), np.squeeze(offset)
    return (scale, offset) if max(scale.ndim, offset.ndim) <= 1 and (scale > 0.0).all() else None


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


__all__ = ["Adopted", "adopted", "expect_classifier"]
