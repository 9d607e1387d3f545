"""Copies the weights of the kept channels into the pruned network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.pruning.channel_graph import ChannelGraph, trace_channels
from hanji.compression.classifiers.pruning.channel_layers import Ids, unsupported

L = keras.layers
Indices = NDArray[np.intp]


def copy_kept_weights(
    model: keras.Model, pruned: keras.Model, graph: ChannelGraph, kept: NDArray[np.bool_]
) -> None:
    """Copy the weights of the kept channels from ``model`` to ``pruned``.

    ``graph`` holds the channels of ``model``, ``kept`` whether each is kept. RecipeError if the channels of a
    layer in ``pruned`` are not the kept ones.
    """
    traced = trace_channels(pruned, known={name: ids[kept[ids]] for name, ids in graph.produced.items()})
    for layer in (layer for layer in model.layers if layer.weights):
        inputs = _indices(layer, graph.inputs[layer.name][0], traced.inputs[layer.name][0], kept)
        outputs = _indices(layer, graph.outputs[layer.name], traced.outputs[layer.name], kept)
        pruned.get_layer(layer.name).set_weights(_sliced(layer, inputs, outputs))


def _indices(layer: keras.layers.Layer, ids: Ids, remaining: Ids, kept: NDArray[np.bool_]) -> Indices:
    """The index in ``ids`` of each ``remaining`` channel; repeated ids are matched in order."""
    ids, remaining = ids.ravel(), remaining.ravel()
    positions = np.flatnonzero(kept[ids])
    if not np.array_equal(np.sort(ids[positions]), np.sort(remaining)):
        raise unsupported(layer, "does not receive the kept channels after pruning")
    indices = np.empty(len(remaining), np.intp)
    indices[np.argsort(remaining, kind="stable")] = positions[np.argsort(ids[positions], kind="stable")]
    return indices


def _sliced(layer: keras.layers.Layer, inputs: Indices, outputs: Indices) -> list[NDArray[Any]]:
    first, *rest = layer.get_weights()
    if type(layer) is L.DepthwiseConv2D:
        return [first[:, :, inputs], *_by_channel(rest, outputs)]
    if isinstance(layer, L.Conv2D | L.Dense):
        return [_sliced_kernel(layer, first, inputs, outputs), *_by_channel(rest, outputs)]
    return _by_channel([first, *rest], outputs)


def _sliced_kernel(
    layer: keras.layers.Layer, kernel: NDArray[Any], inputs: Indices, outputs: Indices
) -> NDArray[Any]:
    """The kept part of a kernel [..., inputs per group, outputs]."""
    groups = getattr(layer, "groups", 1)
    rows, columns = np.split(inputs, groups), np.split(outputs, groups)
    fan_in, fan_out = kernel.shape[-2], kernel.shape[-1] // groups
    parts = []
    for group, (row, column) in enumerate(zip(rows, columns, strict=True)):
        if np.any(row // fan_in != group) or np.any(column // fan_out != group):
            raise unsupported(layer, "would read channels of another group after pruning")
        parts.append(kernel[..., row % fan_in, :][..., column])
    return np.concatenate(parts, axis=-1)


def _by_channel(weights: Iterable[NDArray[Any]], channels: Indices) -> list[NDArray[Any]]:
    """The kept part of biases and normalization statistics; scalars, such as counters, are unchanged."""
    return [weight[..., channels] if weight.ndim else weight for weight in weights]
