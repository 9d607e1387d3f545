"""Whose channel is whose: the channels of a functional network, followed from layer to layer.

A layer that makes new channels (a convolution, a Dense layer) gives each of them a number. The other layers
pass the numbers on, move them or, where they add tensors up, tie them: what is added goes together.
Numbers travel as arrays of a tensor's shape without the batch, with 1 along every axis on which all places
are alike, so that a shuffle of channels is followed by doing to the numbers what is done to the tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hanji.compression.classifiers.pruning.channel_layers import (
    MAKING,
    MERGING,
    MOVING,
    SPATIAL,
    Channels,
    Ids,
    Weight,
    added,
    expect_alike,
    lost,
    moved,
    side_by_side,
    sources_of,
)

Gain = Callable[[keras.layers.Layer], "Weight | None"]
"""By how much a layer makes each channel of its output count; None: it leaves that as it is."""

Shares = Mapping[str, int]
"""What a tensor's channels are made of: how many of them by the layer that makes them."""

L = keras.layers


class _Parts(NamedTuple):
    """Channels that a layer cuts into equal parts: a group convolution its groups, a Reshape its rows."""

    label: str
    groups: int
    ids: Ids


@dataclass(frozen=True)
class ChannelGraph:
    """What ``follow`` found; the numbers of the channels run from 0."""

    inputs: Mapping[str, tuple[Ids, ...]]
    """By layer, the channels of each of its inputs."""

    outputs: Mapping[str, Ids]
    """By layer, the channels of its output."""

    made: Mapping[str, Ids]
    """By layer that makes channels, those it makes."""

    unit: Ids
    """By channel, the unit that it belongs to: tied channels are one unit and stay or go together."""

    makers: tuple[frozenset[str], ...]
    """By unit, the layers that make it."""

    parts: tuple[frozenset[str], ...]
    """By unit, the parts it falls into where a layer cuts its channels into equal ones."""

    equal: tuple[tuple[Shares, Shares], ...]
    """Tensors that must go on having as many channels as each other: those that are added, and those that
    are joined along another axis than the channels."""

    divided: tuple[tuple[Shares, int], ...]
    """Tensors whose number of channels must go on being a multiple: of group convolutions and of rows."""

    fixed: NDArray[np.bool_]
    """By unit, whether it must stay: the network's inputs and outputs."""

    weight: Weight
    """By unit, how much it counts for the layers that read it."""

    unweighed: Mapping[int, tuple[str, str]]
    """By unit of which some reader cannot tell: a layer that makes it and the layer that reads it."""


def follow(
    model: keras.Model, gain: Gain = lambda _: None, *, known: Mapping[str, Ids] | None = None
) -> ChannelGraph:
    """Follow the channels of a functional ``model``; RecipeError names the layer where that ends.

    ``known`` gives the numbers that each layer makes, where a smaller network is compared with the one that
    it was cut from.
    """
    walk = _Walk(gain, known)
    tensors: dict[str, Channels] = {}
    for entry in model.get_config()["layers"]:
        layer = model.get_layer(entry["name"])
        sources = sources_of(entry, layer)
        walk.inputs[layer.name] = tuple(tensors[source].ids for source in sources)
        tensors[layer.name] = walk.through(layer, [tensors[source] for source in sources])
    for name, _, _ in model.get_config()["output_layers"]:
        walk.fix(tensors[name].ids)
    return walk.graph({name: channels.ids for name, channels in tensors.items()})


class _Walk:
    """What is found on the way through a network."""

    def __init__(self, gain: Gain, known: Mapping[str, Ids] | None) -> None:
        self.inputs: dict[str, tuple[Ids, ...]] = {}
        self._gain, self._known = gain, known
        self._made: dict[str, Ids] = {}
        self._ties: list[tuple[Ids, Ids]] = []
        self._fixed: list[Ids] = []
        self._reads: list[tuple[str, Channels]] = []
        self._parts: list[_Parts] = []
        self._equal: list[tuple[Shares, Shares]] = []
        self._count = 0

    def through(self, layer: keras.layers.Layer, inputs: Sequence[Channels]) -> Channels:
        """The channels behind a layer, given those before it."""
        kind = type(layer)
        if kind is L.InputLayer:
            shape = layer.output_shape[0]
            made = self._new(layer, shape[-1], rank=len(shape) - 1)
            self.fix(made.ids)
            return made
        if kind in MAKING:
            return self._make(layer, inputs[0])
        if kind in MERGING:
            return self._merge(layer, inputs)
        if kind is L.Concatenate:
            return self._join(layer, inputs)
        if kind in MOVING:
            return self._move(layer, inputs[0])
        return self._pass(layer, inputs[0])

    def fix(self, ids: Ids) -> None:
        """These channels must stay."""
        self._fixed.append(ids.ravel())

    def graph(self, outputs: dict[str, Ids]) -> ChannelGraph:
        """All of it, with tied channels made one."""
        unit = self._units()
        count = int(unit.max()) + 1
        fixed = np.zeros(count, bool)
        for ids in self._fixed:
            fixed[unit[ids]] = True
        makers = _labelled(count, ((name, unit[ids]) for name, ids in self._made.items()))
        parts = _labelled(count, ((label, unit[ids]) for label, ids in self._single_parts()))
        weight, unweighed = self._weigh(unit, fixed)
        shares = [(self._shares(part.ids), part.groups) for part in self._parts]
        return ChannelGraph(
            inputs=self.inputs,
            outputs=outputs,
            made=self._made,
            unit=unit,
            makers=makers,
            parts=parts,
            equal=tuple(self._equal),
            divided=tuple(shares),
            fixed=fixed,
            weight=weight,
            unweighed=unweighed,
        )

    def _shares(self, ids: Ids) -> Shares:
        counts = ((name, int(np.isin(ids, made).sum())) for name, made in self._made.items())
        return {name: count for name, count in counts if count}

    def _single_parts(self) -> Iterator[tuple[str, Ids]]:
        for label, groups, ids in self._parts:
            for index, part in enumerate(np.split(ids, groups)):
                yield f"{label} {index}", part

    def _units(self) -> Ids:
        size = max(int(ids.max()) for ids in self._made.values()) + 1
        ties = [np.stack([a.ravel(), b.ravel()]) for a, b in self._ties]
        rows, columns = np.concatenate(ties, axis=1) if ties else np.empty((2, 0), np.int64)
        links = coo_array((np.ones(len(rows)), (rows, columns)), shape=(size, size))
        return np.asarray(connected_components(links, directed=False)[1], np.int64)

    def _weigh(self, unit: Ids, fixed: NDArray[np.bool_]) -> tuple[Weight, dict[int, tuple[str, str]]]:
        weight = np.zeros(len(fixed))
        unweighed: dict[int, tuple[str, str]] = {}
        maker = {int(number): name for name, ids in self._made.items() for number in ids}
        for reader, channels in self._reads:
            ids, counts = channels.ids.ravel(), channels.weight.ravel()
            np.add.at(weight, unit[ids], np.nan_to_num(counts))
            for number in ids[np.isnan(counts) & ~fixed[unit[ids]]]:
                unweighed.setdefault(int(unit[number]), (maker[int(number)], reader))
        return weight, unweighed

    def _new(self, layer: keras.layers.Layer, count: int, *, rank: int) -> Channels:
        if self._known is None:
            ids = np.arange(self._count, self._count + count, dtype=np.int64)
            self._count += count
        else:
            ids = self._known[layer.name]
        self._made[layer.name] = ids
        gain = self._gain(layer)
        weight = np.full(count, np.nan) if gain is None else gain
        shape = (1,) * (rank - 1) + (-1,)
        return Channels(ids.reshape(shape), weight.reshape(shape))

    def _make(self, layer: keras.layers.Layer, channels: Channels) -> Channels:
        expect_alike(layer, channels.ids)
        self._reads.append((layer.name, channels))
        made = self._new(layer, layer.output_shape[-1], rank=channels.ids.ndim)
        groups = getattr(layer, "groups", 1)
        if groups > 1:
            for side, ids in (("in", channels.ids), ("out", made.ids)):
                self._parts.append(_Parts(f"{layer.name} {side}", groups, ids.ravel()))
        if layer.activation is keras.activations.softmax:
            self.fix(made.ids)
        return made

    def _merge(self, layer: keras.layers.Layer, inputs: Sequence[Channels]) -> Channels:
        width = max(channels.ids.shape[-1] for channels in inputs)
        for channels in inputs:
            if channels.ids.shape[-1] != width:  # one number for all channels, such as a mask of places
                self.fix(channels.ids)
        full = [channels for channels in inputs if channels.ids.shape[-1] == width]
        ids = np.broadcast_arrays(*(channels.ids for channels in full))
        self._ties += [(ids[0], other) for other in ids[1:]]
        self._expect_equal(ids)
        return added(layer, full)

    def _join(self, layer: keras.layers.Layer, inputs: Sequence[Channels]) -> Channels:
        if layer.axis not in (-1, len(layer.output_shape) - 1):
            self._expect_equal([channels.ids for channels in inputs])
        return side_by_side(layer, inputs)

    def _expect_equal(self, ids: Sequence[Ids]) -> None:
        shares = [self._shares(some) for some in ids]
        self._equal += [(shares[0], other) for other in shares[1:] if other != shares[0]]

    def _move(self, layer: keras.layers.Layer, channels: Channels) -> Channels:
        if type(layer) is L.Reshape:
            before, after = channels.ids.size, layer.output_shape[-1]
            if before == channels.ids.shape[-1] and before > after and before % after == 0:
                self._parts.append(_Parts(f"{layer.name} row", before // after, channels.ids.ravel()))
        return moved(layer, channels)

    def _pass(self, layer: keras.layers.Layer, channels: Channels) -> Channels:
        if type(layer) in SPATIAL or layer.weights:
            expect_alike(layer, channels.ids)
        if type(layer) is L.BatchNormalization and list(layer.axis) != [len(layer.input_shape) - 1]:
            raise lost(layer, f"normalizes along axis {list(layer.axis)}; expected the last, the channels")
        if type(layer) is L.Softmax or getattr(layer, "activation", None) is keras.activations.softmax:
            self.fix(channels.ids)
        ids, weight = channels
        if type(layer) is L.DepthwiseConv2D:
            ids = np.repeat(ids, layer.depth_multiplier, -1)
            weight = np.repeat(weight, layer.depth_multiplier, -1)
        gain = self._gain(layer)
        if gain is not None:
            weight = np.where(np.isnan(weight), gain, weight * gain)
        if len(layer.output_shape) == 2:  # global pooling drops the places
            return Channels(ids.reshape(-1), weight.reshape(-1))
        return Channels(ids, weight)


def _labelled(count: int, labels: Iterable[tuple[str, Ids]]) -> tuple[frozenset[str], ...]:
    found: list[set[str]] = [set() for _ in range(count)]
    for label, units in labels:
        for number in units:
            found[number].add(label)
    return tuple(map(frozenset, found))
