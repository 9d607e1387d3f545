"""The effect of each supported Keras layer on channels: it produces, passes on, rearranges or merges them.

Other layers may mix channels in unknown ways; the error names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.training.classifiers.models.layers import HardSwish
from hanji.training.classifiers.models.mirror import MeanOfBoth, WithMirror
from hanji.training.errors import RecipeError

Ids = NDArray[np.int64]
Importance = NDArray[np.float64]
Number = TypeVar("Number", np.int64, np.float64)

L = keras.layers
PRODUCING = (L.Conv2D, L.Dense)
IN_PLACE = (
    *(L.BatchNormalization, L.Activation, L.ReLU, L.LeakyReLU, L.PReLU, L.ELU, L.ThresholdedReLU, L.Softmax),
    *(L.Dropout, L.SpatialDropout2D, L.GaussianNoise, L.GaussianDropout, L.Rescaling, L.Normalization),
    *(HardSwish, WithMirror, MeanOfBoth),
)
SPATIAL = (
    *(L.MaxPooling2D, L.AveragePooling2D, L.ZeroPadding2D, L.UpSampling2D, L.Resizing),
    *(L.GlobalAveragePooling2D, L.GlobalMaxPooling2D, L.DepthwiseConv2D),
)
MERGING = (L.Add, L.Subtract, L.Average, L.Maximum, L.Minimum, L.Multiply)
REARRANGING = (L.Flatten, L.Reshape, L.Permute, L.Cropping2D)
SUPPORTED = (*PRODUCING, *IN_PLACE, *SPATIAL, *MERGING, *REARRANGING, L.Concatenate, L.InputLayer)


class Channels(NamedTuple):
    """The channels of a tensor: their ids and their importance (NaN: not known yet)."""

    ids: Ids
    importance: Importance


def inputs_of(entry: Mapping[str, Any], layer: keras.layers.Layer) -> list[str]:
    """The names of a layer's input layers, from its config ``entry``; RecipeError for unsupported layers."""
    nodes = entry["inbound_nodes"]
    if type(layer) not in SUPPORTED:
        what = "a whole network" if isinstance(layer, keras.Model) else f"of type {type(layer).__name__}"
        raise unsupported(layer, f"is {what}, for which channel pruning is not supported")
    if type(layer) is not L.InputLayer and len(nodes) != 1:
        raise unsupported(layer, f"is shared by {len(nodes)} calls, so that its channels cannot be pruned")
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        raise unsupported(layer, "has the data format channels_first, expected channels_last")
    return [source[0] for source in nodes[0]] if nodes else []


def unsupported(layer: keras.layers.Layer, why: str) -> RecipeError:
    """The error for a layer through which channels cannot be traced."""
    return RecipeError(
        f"channels: layer {layer.name!r} {why}; leave the channels step out, or distil into a smaller network"
    )


def concatenated(layer: keras.layers.Layer, inputs: Sequence[Channels]) -> Channels:
    """The output channels of a Concatenate along any axis except the batch."""
    axis = layer.axis % len(layer.output_shape) - 1
    others = list(np.broadcast_shapes(*(_without(channels.ids.shape, axis) for channels in inputs)))
    shapes = [[*others[:axis], shape[axis + 1], *others[axis:]] for shape in layer.input_shape]
    pairs = list(zip(inputs, shapes, strict=True))
    ids = [np.broadcast_to(channels.ids, shape) for channels, shape in pairs]
    importance = [np.broadcast_to(channels.importance, shape) for channels, shape in pairs]
    return Channels(np.concatenate(ids, axis), np.concatenate(importance, axis))


def merged(layer: keras.layers.Layer, inputs: Sequence[Channels]) -> Channels:
    """The output channels of an elementwise layer such as Add; they have the ids of its first input."""
    ids = np.broadcast_arrays(*(channels.ids for channels in inputs))[0]
    importances = np.stack(np.broadcast_arrays(*(channels.importance for channels in inputs)))
    known = ~np.isnan(importances)
    product = type(layer) is L.Multiply
    importance = np.where(known, importances, 1.0).prod(0) if product else np.nansum(importances, 0)
    return Channels(ids, np.where(known.any(0), importance, np.nan))


def rearranged(layer: keras.layers.Layer, channels: Channels) -> Channels:
    """The output channels of a Flatten, Reshape, Permute or Cropping2D."""
    if type(layer) is L.Permute:
        return Channels(_permuted(layer, channels.ids), _permuted(layer, channels.importance))
    if type(layer) is L.Cropping2D:
        return Channels(_cropped(layer, channels.ids), _cropped(layer, channels.importance))
    before, after = layer.input_shape[1:], layer.output_shape[1:]
    ids = np.broadcast_to(channels.ids, before).reshape(after)
    importance = np.broadcast_to(channels.importance, before).reshape(after)
    for axis in range(ids.ndim - 1):
        first = ids.take([0], axis)
        if np.array_equal(np.broadcast_to(first, ids.shape), ids):
            ids, importance = first, importance.take([0], axis)
    return Channels(ids, importance)


def expect_uniform(layer: keras.layers.Layer, ids: Ids) -> None:
    """RecipeError unless a tensor has the same channels at all spatial positions."""
    if any(size != 1 for size in ids.shape[:-1]):
        raise unsupported(layer, "has input channels that differ between spatial positions")


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def _permuted(layer: keras.layers.Layer, array: NDArray[Number]) -> NDArray[Number]:
    permuted: NDArray[Number] = np.transpose(array, [axis - 1 for axis in layer.dims])
    return np.broadcast_to(permuted, (*permuted.shape[:-1], layer.output_shape[-1]))


def _cropped(layer: keras.layers.Layer, array: NDArray[Number]) -> NDArray[Number]:
    for axis, (first, last) in enumerate(layer.cropping):
        if array.shape[axis] > 1:
            array = array.take(range(first, array.shape[axis] - last), axis)
    return array
