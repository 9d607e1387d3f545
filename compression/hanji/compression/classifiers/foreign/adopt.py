"""A network from elsewhere made one of ours: normalized pictures → logits, flat and functional.

Softmax at its end goes, since steps work on logits. Scaling at its start goes as well, into the
normalization of the pictures: there it is exact, and nothing has to be rounded twice.
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
    """A network and how its pictures are normalized now."""

    model: keras.Model
    image_input: ImageInput


def adopted(model: keras.Model, image_input: ImageInput, where: str) -> Adopted:
    """``model``, whose pictures are normalized as ``picture`` says, as networks of ours are.

    RecipeError, naming ``where`` it comes from, for a network whose layers cannot be followed, or whose
    output is neither logits nor softmax over classes.
    """
    flat = _flat(model, where)
    scaling = _scaling(flat)
    for layer in scaling:
        image_input = _scaled(image_input, layer)
    gone = {layer.name for layer in flat.layers if isinstance(layer, _AUGMENTATION)}
    return Adopted(_changed(flat, gone | {layer.name for layer in scaling}, where), image_input)


def expect_classifier(inputs: Any, outputs: Any, where: str) -> None:
    """RecipeError unless the shapes are those of pictures [B, h, w, 1 or 3] and of classes [B, ≥ 2]."""
    single = isinstance(inputs, tuple) and isinstance(outputs, tuple)
    if not single or len(inputs) != 4 or inputs[-1] not in (1, 3):
        raise RecipeError(
            f"{where}: expected one input of pictures [batch, height, width, 1 or 3 channels], found {inputs}"
        )
    if len(outputs) != 2 or (outputs[-1] or 0) < 2:
        raise RecipeError(
            f"{where}: expected one output [batch, classes] of at least two classes, found {outputs}"
        )


def _flat(model: keras.Model, where: str) -> keras.Model:
    """Networks in the network and separable convolutions taken apart; the input float32, whatever it was."""
    try:
        if model.inputs and model.inputs[0].dtype != "float32":
            image = keras.Input(model.input_shape[1:], dtype="float32", name="image")
            model = keras.Model(image, model(image), name=model.name)
        return separated(flattened(model))
    except ValueError as error:
        raise RecipeError(
            f"{where}: {error}; as a SavedModel it could take the recipes without training"
        ) from error


def _changed(flat: keras.Model, gone: set[str], where: str) -> keras.Model:
    """Without the layers that are ``gone``, without softmax at the end, and computing in float32."""
    last = flat.get_layer(flat.output_names[0])
    if _is_softmax(last):
        gone = gone | {last.name}

    def change(layer: keras.layers.Layer) -> keras.layers.Layer | None:
        if layer.name in gone:
            return None
        own = {"dtype": "float32"} if layer.dtype_policy.name.startswith("mixed_") else {}
        if layer is last and _activation(layer) == "softmax":
            own["activation"] = "linear"
        return type(layer).from_config({**layer.get_config(), **own})

    if last.name not in gone and _activation(last) not in ("linear", "softmax"):
        raise RecipeError(
            f"{where}: expected logits or softmax at the end, found {_activation(last)} in the layer "
            f"{last.name!r}; only classifiers that choose one class of several are understood"
        )
    changed = rebuilt(flat, change)
    for layer in changed.layers:
        layer.set_weights(flat.get_layer(layer.name).get_weights())
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    return changed


def _is_softmax(layer: keras.layers.Layer) -> bool:
    """Whether the layer does nothing but softmax, as a layer of its own or as a bare TensorFlow function."""
    if type(layer).__name__ == "TFOpLambda":
        return str(layer.get_config()["function"]).endswith("softmax")
    return isinstance(layer, L.Softmax) or (type(layer) is L.Activation and _activation(layer) == "softmax")


def _activation(layer: keras.layers.Layer) -> str:
    return getattr(getattr(layer, "activation", None), "__name__", "linear")


def _scaling(flat: keras.Model) -> list[keras.layers.Layer]:
    """The layers that do nothing but scale the picture before any other layer sees it."""
    found: list[keras.layers.Layer] = []
    layer = flat.get_layer(flat.input_names[0])
    while len(layer.outbound_nodes) == 1:
        layer = layer.outbound_nodes[0].outbound_layer
        if isinstance(layer, L.Rescaling | L.Normalization) and _factors(layer) is not None:
            found.append(layer)
        elif not isinstance(layer, _AUGMENTATION):
            break
    return found


def _factors(layer: keras.layers.Layer) -> tuple[Any, Any] | None:
    """What a scaling layer multiplies by, and adds then; None where that is not one number a channel."""
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
    """The normalization of pictures with what ``layer`` does in it."""
    scale, offset = _factors(layer) or (1.0, 0.0)
    std = np.array(image_input.std, np.float64) / scale
    mean = np.array(image_input.mean, np.float64) - offset * std
    return replace(
        image_input,
        mean=tuple(float(f"{value:.9g}") for value in mean),
        std=tuple(float(f"{value:.9g}") for value in std),
    )


__all__ = ["Adopted", "adopted", "expect_classifier"]
