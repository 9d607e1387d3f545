"""The same network without what only training needs: batch normalizations folded, dropout gone."""

from __future__ import annotations

from typing import Any

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.training.classifiers.models.rebuilding import flattened, rebuilt

L = keras.layers
Layer = Any  # a Keras layer; Keras has no types
Weights = list[NDArray[np.float32]]

_KERNELS = (L.Conv2D, L.DepthwiseConv2D, L.SeparableConv2D, L.Dense)
_ONLY_IN_TRAINING = (
    *(L.Dropout, L.SpatialDropout2D, L.GaussianNoise, L.GaussianDropout),
    L.ActivityRegularization,
)


def fold_batch_norms(model: keras.Model) -> keras.Model:
    """A copy of ``model`` for inference: any functional or sequential tf_keras model, nested ones too.

    A batch normalization goes into the convolution or Dense layer before it, also past a max-pooling where
    none of its scales is negative; one that stands elsewhere stays. The copy computes in float32 and scores
    as ``model`` does, up to rounding. ValueError if the layers of ``model`` cannot be followed.
    """
    flat = flattened(model)
    kernels = _kernels_by_norm(flat)

    def change(layer: Layer) -> Layer | None:
        if layer.name in kernels or isinstance(layer, _ONLY_IN_TRAINING):
            return None
        bias = {"use_bias": True} if layer.name in kernels.values() else {}
        return type(layer).from_config({**layer.get_config(), **_single_precision(layer), **bias})

    folded = rebuilt(flat, change)
    weights = {layer.name: layer.get_weights() for layer in flat.layers}
    for norm, kernel in kernels.items():
        weights[kernel] = _folded(flat.get_layer(kernel), flat.get_layer(norm))
    for layer in folded.layers:
        layer.set_weights(weights[layer.name])
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    return folded


def _kernels_by_norm(model: keras.Model) -> dict[str, str]:
    """By name of each normalization that can be folded, the layer that takes it."""
    found: dict[str, str] = {}
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            kernel = _kernel_before(layer, model)
            if kernel is not None:
                found[layer.name] = kernel.name
    return found


def _kernel_before(norm: Layer, model: keras.Model) -> Layer | None:
    if len(norm.inbound_nodes) != 1:
        return None
    before = _only_source(norm, model)
    while isinstance(before, (L.MaxPooling2D, *_ONLY_IN_TRAINING)):
        if isinstance(before, L.MaxPooling2D) and np.any(_scale(norm) < 0.0):
            return None  # the largest of a channel turned upside down was the smallest
        before = _only_source(before, model)
    if before is None or type(before) not in _KERNELS or before.activation is not keras.activations.linear:
        return None
    channels_last = getattr(before, "data_format", "channels_last") == "channels_last"
    return before if channels_last and list(norm.axis) == [len(norm.input_shape) - 1] else None


def _only_source(layer: Layer, model: keras.Model) -> Layer | None:
    """The layer that this one reads, if that one is called once and nobody else reads it."""
    source = layer.inbound_nodes[0].inbound_layers
    if isinstance(source, list) or len(source.inbound_nodes) != 1 or len(source.outbound_nodes) != 1:
        return None
    return None if source.name in model.output_names else source


def _single_precision(layer: Layer) -> dict[str, Any]:
    return {"dtype": "float32"} if layer.dtype_policy.name.startswith("mixed_") else {}


def _scale(norm: Layer) -> NDArray[np.float64]:
    variance = norm.moving_variance.numpy().astype(np.float64)
    scale: NDArray[np.float64] = 1.0 / np.sqrt(variance + norm.epsilon)
    return scale * norm.gamma.numpy() if norm.scale else scale


def _folded(layer: Layer, norm: Layer) -> Weights:
    """The weights of ``layer``, with a bias, that does what it and ``norm`` did."""
    *kernels, bias = layer.get_weights() if layer.use_bias else (*layer.get_weights(), 0.0)
    scale = _scale(norm)
    shift = (bias - norm.moving_mean.numpy()) * scale + (norm.beta.numpy() if norm.center else 0.0)
    # All outputs lie along the last axis, but those of a depthwise kernel along the last two.
    outputs = kernels[-1].shape[-2:] if type(layer) is L.DepthwiseConv2D else (-1,)
    kernels[-1] = kernels[-1] * scale.reshape(outputs)
    return [array.astype(np.float32) for array in (*kernels, shift)]


__all__ = ["fold_batch_norms"]
