"""The weights of the channels that stay, in the order in which the smaller network has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.pruning.channel_graph import ChannelGraph, follow
from hanji.compression.classifiers.pruning.channel_layers import Ids, lost

L = keras.layers
Places = NDArray[np.intp]


def copy_kept_weights(
    model: keras.Model, smaller: keras.Model, graph: ChannelGraph, kept: NDArray[np.bool_]
) -> None:
    """Give ``smaller`` the weights that ``model`` has for its channels.

    ``graph`` holds the channels of ``model``, ``kept`` says of each whether it stays. RecipeError if a layer
    of ``smaller`` would not find the channels that stay.
    """
    found = follow(smaller, known={name: ids[kept[ids]] for name, ids in graph.made.items()})
    for layer in (layer for layer in model.layers if layer.weights):
        before = _places(layer, graph.inputs[layer.name][0], found.inputs[layer.name][0], kept)
        after = _places(layer, graph.outputs[layer.name], found.outputs[layer.name], kept)
        smaller.get_layer(layer.name).set_weights(_cut(layer, before, after))


def _places(layer: keras.layers.Layer, ids: Ids, left: Ids, kept: NDArray[np.bool_]) -> Places:
    """Where each of the channels that are ``left`` stood; the n-th time of a number where it stood n-th."""
    ids, left = ids.ravel(), left.ravel()
    stay = np.flatnonzero(kept[ids])
    if not np.array_equal(np.sort(ids[stay]), np.sort(left)):
        raise lost(layer, "would not find the channels that stay")
    places = np.empty(len(left), np.intp)
    places[np.argsort(left, kind="stable")] = stay[np.argsort(ids[stay], kind="stable")]
    return places


def _cut(layer: keras.layers.Layer, before: Places, after: Places) -> list[NDArray[Any]]:
    first, *rest = layer.get_weights()
    if type(layer) is L.DepthwiseConv2D:
        return [first[:, :, before], *_by_channel(rest, after)]
    if isinstance(layer, L.Conv2D | L.Dense):
        return [_cut_kernel(layer, first, before, after), *_by_channel(rest, after)]
    return _by_channel([first, *rest], after)


def _cut_kernel(
    layer: keras.layers.Layer, kernel: NDArray[Any], before: Places, after: Places
) -> NDArray[Any]:
    """Rows and columns of a kernel [..., inputs of a group, outputs]."""
    groups = getattr(layer, "groups", 1)
    rows, columns = np.split(before, groups), np.split(after, groups)
    inputs, outputs = kernel.shape[-2], kernel.shape[-1] // groups
    parts = []
    for group, (row, column) in enumerate(zip(rows, columns, strict=True)):
        if np.any(row // inputs != group) or np.any(column // outputs != group):
            raise lost(layer, "would read channels of another group")
        parts.append(kernel[..., row % inputs, :][..., column])
    return np.concatenate(parts, axis=-1)


def _by_channel(weights: Iterable[NDArray[Any]], after: Places) -> list[NDArray[Any]]:
    """Biases and what normalization knows; a single number, such as a count, stays."""
    return [weight[..., after] if weight.ndim else weight for weight in weights]
