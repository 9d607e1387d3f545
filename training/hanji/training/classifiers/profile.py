"""Parameters and multiply-accumulates of a Keras network, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf
import tf_keras as keras

from hanji.training.classifiers.models.mirror import MeanOfBoth, WithMirror
from hanji.training.classifiers.models.rebuilding import calls, expect_graph, flattened
from hanji.training.classifiers.profile_result import LayerProfile, Profile, size_text

L = keras.layers
Layer = Any  # a Keras layer; Keras has no types

_COUNTED = (
    *(L.Conv1D, L.Conv2D, L.Conv3D, L.DepthwiseConv1D, L.DepthwiseConv2D),
    *(L.SeparableConv1D, L.SeparableConv2D, L.Dense),
)
_TRANSPOSED = (L.Conv1DTranspose, L.Conv2DTranspose, L.Conv3DTranspose)
_WITHOUT_PRODUCTS = (
    *(L.BatchNormalization, L.LayerNormalization, L.GroupNormalization, L.UnitNormalization, L.Normalization),
    *(L.PReLU, L.Embedding),
)


def profile(model: keras.Model, input_shape: tuple[int, ...] | None = None) -> Profile:
    """Profile a functional or sequential tf_keras model; nested models are counted layer by layer.

    ``input_shape``, without the batch axis, overrides the model's own. ValueError for any other model, for a
    shape that the model does not accept, or if a size remains unknown.
    """
    expect_graph(model)
    if input_shape is not None:
        model = _resized(model, input_shape)
    if any(isinstance(layer, keras.Model) for layer in model.layers):
        model = flattened(model)
    by_layer: dict[str, list[_Call]] = {}
    samples = 1
    for node in calls(model):
        # Between these two layers, the batch also contains the mirror images.
        if isinstance(node.layer, WithMirror):
            samples = 2
        elif isinstance(node.layer, MeanOfBoth):
            samples = 1
        by_layer.setdefault(node.layer.name, []).append(_Call(node, samples))
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    inputs = tuple(tuple(tensor.shape[1:]) for tensor in model.inputs)
    return Profile(model.name, inputs, tuple(map(_row, by_layer.values())), trainable)


def _resized(model: keras.Model, shape: tuple[int, ...]) -> keras.Model:
    if len(model.inputs) != 1:
        raise ValueError(f"the model {model.name!r} has {len(model.inputs)} inputs, expected one image")
    image = keras.Input(shape, dtype=model.inputs[0].dtype, name=model.input_names[0])
    try:
        resized = keras.models.clone_model(model, input_tensors=[image])
    except ValueError as error:
        raise ValueError(f"the model {model.name!r} does not accept {size_text(shape)}: {error}") from None
    if resized.count_params() != model.count_params():
        raise ValueError(
            f"the model {model.name!r} does not accept {size_text(shape)}: its weights are for "
            f"{size_text(model.inputs[0].shape[1:])}"
        )
    return resized


class _Call(NamedTuple):
    node: Any
    samples: int


def _row(layer_calls: Sequence[_Call]) -> LayerProfile:
    """The profile of one layer over all its calls."""
    first = layer_calls[0].node
    counts = [_macs(call.node) for call in layer_calls]
    known = [macs * call.samples for macs, call in zip(counts, layer_calls, strict=True) if macs is not None]
    macs = sum(known) if len(known) == len(counts) else None
    shape = tf.nest.flatten(first.outputs)[0].shape
    return LayerProfile(
        first.layer.name, type(first.layer).__name__, tuple(shape[1:]), first.layer.count_params(), macs
    )


def _macs(node: Any) -> int | None:
    """Each kernel is applied once per output position (transposed: per input position)."""
    layer = node.layer
    if isinstance(layer, _TRANSPOSED):
        return _positions(layer, node.keras_inputs[0].shape) * _kernel_size(layer)
    if isinstance(layer, _COUNTED):
        return _positions(layer, node.outputs.shape) * _kernel_size(layer)
    if isinstance(layer, L.Dot) or (layer.weights and not isinstance(layer, _WITHOUT_PRODUCTS)):
        return None
    return 0


def _kernel_size(layer: Layer) -> int:
    names = ("kernel", "depthwise_kernel", "pointwise_kernel")
    return sum(math.prod(getattr(layer, name).shape) for name in names if hasattr(layer, name))


def _positions(layer: Layer, shape: Sequence[int | None]) -> int:
    sizes = [size for size in shape[1:-1] if size is not None]
    if len(sizes) < len(shape) - 2:
        raise ValueError(
            f"the size of the feature map of layer {layer.name!r} is unknown; give the size of the image"
        )
    return math.prod(sizes)


__all__ = ["profile"]
