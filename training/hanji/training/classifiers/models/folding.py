"""Inference copies of networks: batch normalizations folded, dropout removed."""

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
_TRAINING_ONLY = (
    *(L.Dropout, L.SpatialDropout2D, L.GaussianNoise, L.GaussianDropout),
    L.ActivityRegularization,
)


def fold_batch_norms(model: keras.Model) -> keras.Model:
    """A copy of ``model`` for inference: any functional or sequential tf_keras model, including nested ones.

    A batch normalization is folded into the preceding convolution or Dense layer, also past a max-pooling if
    none of its scales is negative; others are kept. The copy computes in float32 and has the same outputs as
    ``model``, up to rounding. ValueError unless ``model`` is functional or sequential.
    """
    flat = flattened(model)
    kernels = _kernels_by_norm(flat)

    def change(layer: Layer) -> Layer | None:
        if layer.name in kernels or isinstance(layer, _TRAINING_ONLY):
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
    """The layer that each foldable normalization is folded into, by name."""
    kernels: dict[str, str] = {}
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            kernel = _kernel_before(layer, model)
            if kernel is not None:
                kernels[layer.name] = kernel.name
    return kernels


def _kernel_before(norm: Layer, model: keras.Model) -> Layer | None:
    if len(norm.inbound_nodes) != 1:
        return None
    before = _only_source(norm, model)
    while isinstance(before, (L.MaxPooling2D, *_TRAINING_ONLY)):
        if isinstance(before, L.MaxPooling2D) and np.any(_scale(norm) < 0.0):
            return None  # a negative scale turns a channel's maximum into its minimum
        before = _only_source(before, model)
    if before is None or type(before) not in _KERNELS or before.activation is not keras.activations.linear:
        return None
    channels_last = getattr(before, "data_format", "channels_last") == "channels_last"
    return before if channels_last and list(norm.axis) == [len(norm.input_shape) - 1] else None


def _only_source(layer: Layer, model: keras.Model) -> Layer | None:
    """The layer whose output this one reads, if it is called once and has no other consumer."""
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
    """The weights, with a bias, that make ``layer`` equivalent to ``layer`` followed by ``norm``."""
    *kernels, bias = layer.get_weights() if layer.use_bias else (*layer.get_weights(), 0.0)
    scale = _scale(norm)
    shift = (bias - norm.moving_mean.numpy()) * scale + (norm.beta.numpy() if norm.center else 0.0)
    # The output channels are the last axis, except for depthwise kernels, where they are the last two.
    outputs = kernels[-1].shape[-2:] if type(layer) is L.DepthwiseConv2D else (-1,)
    kernels[-1] = kernels[-1] * scale.reshape(outputs)
    return [array.astype(np.float32) for array in (*kernels, shift)]


__all__ = ["fold_batch_norms"]
