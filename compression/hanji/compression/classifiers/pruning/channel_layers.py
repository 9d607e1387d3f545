"""What each kind of Keras layer does to channels: makes new ones, passes them on, moves or adds them.

A layer of any other kind may mix channels in ways that nobody can know; the error names it.
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
Weight = NDArray[np.float64]
Number = TypeVar("Number", np.int64, np.float64)

L = keras.layers
MAKING = (L.Conv2D, L.Dense)
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
MOVING = (L.Flatten, L.Reshape, L.Permute, L.Cropping2D)
FOLLOWED = (*MAKING, *IN_PLACE, *SPATIAL, *MERGING, *MOVING, L.Concatenate, L.InputLayer)


class Channels(NamedTuple):
    """The channels of one tensor: their numbers, and how much each counts (NaN: nothing has said so yet)."""

    ids: Ids
    weight: Weight


def sources_of(entry: Mapping[str, Any], layer: keras.layers.Layer) -> list[str]:
    """The names of the layers that a layer of a model's config reads; RecipeError if no way leads through."""
    nodes = entry["inbound_nodes"]
    if type(layer) not in FOLLOWED:
        what = "a whole network" if isinstance(layer, keras.Model) else f"of type {type(layer).__name__}"
        raise lost(layer, f"is {what}: hanji does not know which channels it mixes")
    if type(layer) is not L.InputLayer and len(nodes) != 1:
        raise lost(layer, f"is used {len(nodes)} times, so that its weights belong to several places at once")
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        raise lost(layer, "keeps its channels first; expected them last")
    return [source[0] for source in nodes[0]] if nodes else []


def lost(layer: keras.layers.Layer, why: str) -> RecipeError:
    """The error that says at which layer the channels cannot be followed any further."""
    return RecipeError(
        f"channels: layer {layer.name!r} {why}; leave the channels step out, or distil into a smaller network"
    )


def side_by_side(layer: keras.layers.Layer, inputs: Sequence[Channels]) -> Channels:
    """The channels of a Concatenate, along whatever axis but the batch."""
    axis = layer.axis % len(layer.output_shape) - 1
    places = list(np.broadcast_shapes(*(_without(channels.ids.shape, axis) for channels in inputs)))
    full = [[*places[:axis], shape[axis + 1], *places[axis:]] for shape in layer.input_shape]
    ids = [np.broadcast_to(channels.ids, shape) for channels, shape in zip(inputs, full, strict=True)]
    weight = [np.broadcast_to(channels.weight, shape) for channels, shape in zip(inputs, full, strict=True)]
    return Channels(np.concatenate(ids, axis), np.concatenate(weight, axis))


def added(layer: keras.layers.Layer, inputs: Sequence[Channels]) -> Channels:
    """The channels of a sum or the like of as many channels each; they keep the numbers of the first."""
    ids = np.broadcast_arrays(*(channels.ids for channels in inputs))[0]
    weights = np.stack(np.broadcast_arrays(*(channels.weight for channels in inputs)))
    known = ~np.isnan(weights)
    product = type(layer) is L.Multiply
    weight = np.where(known, weights, 1.0).prod(0) if product else np.nansum(weights, 0)
    return Channels(ids, np.where(known.any(0), weight, np.nan))


def moved(layer: keras.layers.Layer, channels: Channels) -> Channels:
    """The channels behind a Flatten, Reshape, Permute or Cropping2D."""
    if type(layer) is L.Permute:
        return Channels(_turned(layer, channels.ids), _turned(layer, channels.weight))
    if type(layer) is L.Cropping2D:
        return Channels(_cropped(layer, channels.ids), _cropped(layer, channels.weight))
    before, after = layer.input_shape[1:], layer.output_shape[1:]
    ids = np.broadcast_to(channels.ids, before).reshape(after)
    weight = np.broadcast_to(channels.weight, before).reshape(after)
    for axis in range(ids.ndim - 1):
        first = ids.take([0], axis)
        if np.array_equal(np.broadcast_to(first, ids.shape), ids):
            ids, weight = first, weight.take([0], axis)
    return Channels(ids, weight)


def expect_alike(layer: keras.layers.Layer, ids: Ids) -> None:
    """RecipeError unless a tensor has the same channels at each of its places."""
    if any(size != 1 for size in ids.shape[:-1]):
        raise lost(layer, "reads other channels at one place than at another")


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def _turned(layer: keras.layers.Layer, array: NDArray[Number]) -> NDArray[Number]:
    turned: NDArray[Number] = np.transpose(array, [axis - 1 for axis in layer.dims])
    return np.broadcast_to(turned, (*turned.shape[:-1], layer.output_shape[-1]))


def _cropped(layer: keras.layers.Layer, array: NDArray[Number]) -> NDArray[Number]:
    for axis, (first, last) in enumerate(layer.cropping):
        if array.shape[axis] > 1:
            array = array.take(range(first, array.shape[axis] - last), axis)
    return array
