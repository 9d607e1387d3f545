"""Channel dependencies of a functional network: which channels have to be pruned together.

A layer that produces new channels (a convolution, a Dense layer) assigns an id to each. Other layers pass the
ids on, rearrange them or, if they merge tensors (Add, Multiply, …), tie them: tied channels are pruned
together. The ids of a tensor are an array of its shape without the batch axis, with size 1 along every axis
on which the channels are the same at all positions. A channel shuffle is traced by applying its operations to
the ids.
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
    MERGING,
    PRODUCING,
    REARRANGING,
    SPATIAL,
    Channels,
    Ids,
    Importance,
    concatenated,
    expect_uniform,
    inputs_of,
    merged,
    rearranged,
    unsupported,
)

Gain = Callable[[keras.layers.Layer], "Importance | None"]
"""The factor that a layer contributes to the importance of each of its output channels; None: no factor."""

Shares = Mapping[str, int]
"""The origin of a tensor's channels: the number of them by the layer that produces them."""

L = keras.layers


class _Parts(NamedTuple):
    """Channels that a layer splits into equal parts: the groups of a convolution, the rows of a Reshape."""

    label: str
    groups: int
    ids: Ids


@dataclass(frozen=True)
class ChannelGraph:
    """The result of ``trace_channels``; channel ids start at 0."""

    inputs: Mapping[str, tuple[Ids, ...]]
    """By layer, the channels of each of its inputs."""

    outputs: Mapping[str, Ids]
    """By layer, the channels of its output."""

    produced: Mapping[str, Ids]
    """By producing layer, the channels that it produces."""

    unit: Ids
    """By channel, its unit: tied channels form one unit and are kept or pruned together."""

    producers: tuple[frozenset[str], ...]
    """By unit, the layers that produce it."""

    parts: tuple[frozenset[str], ...]
    """By unit, the parts that it belongs to in layers that split their channels into equal parts."""

    equal: tuple[tuple[Shares, Shares], ...]
    """Pairs of tensors that must keep equal numbers of channels: those that are merged, and those that are
    concatenated along another axis than the channels."""

    divisible: tuple[tuple[Shares, int], ...]
    """Tensors whose number of channels must stay a multiple of a number: of groups, or of rows."""

    fixed: NDArray[np.bool_]
    """By unit, whether it must be kept: the network's inputs and outputs."""

    importance: Importance
    """By unit, its importance for the layers that read it."""

    unscored: Mapping[int, tuple[str, str]]
    """By unit without an importance for some reader: a layer that produces it and that reader."""


def trace_channels(
    model: keras.Model, gain: Gain = lambda _: None, *, known: Mapping[str, Ids] | None = None
) -> ChannelGraph:
    """Trace the channels of a functional ``model``; RecipeError names the first unsupported layer.

    ``known`` sets the ids that each layer produces, to compare a pruned network with the original one.
    """
    tracer = _Tracer(gain, known)
    tensors: dict[str, Channels] = {}
    for entry in model.get_config()["layers"]:
        layer = model.get_layer(entry["name"])
        sources = inputs_of(entry, layer)
        tracer.inputs[layer.name] = tuple(tensors[source].ids for source in sources)
        tensors[layer.name] = tracer.apply(layer, [tensors[source] for source in sources])
    for name, _, _ in model.get_config()["output_layers"]:
        tracer.fix(tensors[name].ids)
    return tracer.graph({name: channels.ids for name, channels in tensors.items()})


class _Tracer:
    """The state of a trace through a network."""

    def __init__(self, gain: Gain, known: Mapping[str, Ids] | None) -> None:
        self.inputs: dict[str, tuple[Ids, ...]] = {}
        self._gain, self._known = gain, known
        self._produced: dict[str, Ids] = {}
        self._ties: list[tuple[Ids, Ids]] = []
        self._fixed: list[Ids] = []
        self._reads: list[tuple[str, Channels]] = []
        self._parts: list[_Parts] = []
        self._equal: list[tuple[Shares, Shares]] = []
        self._count = 0

    def apply(self, layer: keras.layers.Layer, inputs: Sequence[Channels]) -> Channels:
        """The output channels of a layer, given those of its inputs."""
        kind = type(layer)
        if kind is L.InputLayer:
            shape = layer.output_shape[0]
            produced = self._new(layer, shape[-1], rank=len(shape) - 1)
            self.fix(produced.ids)
            return produced
        if kind in PRODUCING:
            return self._produce(layer, inputs[0])
        if kind in MERGING:
            return self._merge(layer, inputs)
        if kind is L.Concatenate:
            return self._concatenate(layer, inputs)
        if kind in REARRANGING:
            return self._rearrange(layer, inputs[0])
        return self._pass(layer, inputs[0])

    def fix(self, ids: Ids) -> None:
        """Mark channels that must be kept."""
        self._fixed.append(ids.ravel())

    def graph(self, outputs: dict[str, Ids]) -> ChannelGraph:
        """The complete graph, with tied channels combined into units."""
        unit = self._units()
        count = int(unit.max()) + 1
        fixed = np.zeros(count, bool)
        for ids in self._fixed:
            fixed[unit[ids]] = True
        producers = _labelled(count, ((name, unit[ids]) for name, ids in self._produced.items()))
        parts = _labelled(count, ((label, unit[ids]) for label, ids in self._single_parts()))
        importance, unscored = self._score(unit, fixed)
        shares = [(self._shares(part.ids), part.groups) for part in self._parts]
        return ChannelGraph(
            inputs=self.inputs,
            outputs=outputs,
            produced=self._produced,
            unit=unit,
            producers=producers,
            parts=parts,
            equal=tuple(self._equal),
            divisible=tuple(shares),
            fixed=fixed,
            importance=importance,
            unscored=unscored,
        )

    def _shares(self, ids: Ids) -> Shares:
        counts = ((name, int(np.isin(ids, produced).sum())) for name, produced in self._produced.items())
        return {name: count for name, count in counts if count}

    def _single_parts(self) -> Iterator[tuple[str, Ids]]:
        for label, groups, ids in self._parts:
            for index, part in enumerate(np.split(ids, groups)):
                yield f"{label} {index}", part

    def _units(self) -> Ids:
        size = max(int(ids.max()) for ids in self._produced.values()) + 1
        ties = [np.stack([a.ravel(), b.ravel()]) for a, b in self._ties]
        rows, columns = np.concatenate(ties, axis=1) if ties else np.empty((2, 0), np.int64)
        links = coo_array((np.ones(len(rows)), (rows, columns)), shape=(size, size))
        return np.asarray(connected_components(links, directed=False)[1], np.int64)

    def _score(self, unit: Ids, fixed: NDArray[np.bool_]) -> tuple[Importance, dict[int, tuple[str, str]]]:
        importance = np.zeros(len(fixed))
        unscored: dict[int, tuple[str, str]] = {}
        producer = {int(channel): name for name, ids in self._produced.items() for channel in ids}
        for reader, channels in self._reads:
            ids, scores = channels.ids.ravel(), channels.importance.ravel()
            np.add.at(importance, unit[ids], np.nan_to_num(scores))
            for channel in ids[np.isnan(scores) & ~fixed[unit[ids]]]:
                unscored.setdefault(int(unit[channel]), (producer[int(channel)], reader))
        return importance, unscored

    def _new(self, layer: keras.layers.Layer, count: int, *, rank: int) -> Channels:
        if self._known is None:
            ids = np.arange(self._count, self._count + count, dtype=np.int64)
            self._count += count
        else:
            ids = self._known[layer.name]
        self._produced[layer.name] = ids
        gain = self._gain(layer)
        importance = np.full(count, np.nan) if gain is None else gain
        shape = (1,) * (rank - 1) + (-1,)
        return Channels(ids.reshape(shape), importance.reshape(shape))

    def _produce(self, layer: keras.layers.Layer, channels: Channels) -> Channels:
        expect_uniform(layer, channels.ids)
        self._reads.append((layer.name, channels))
        produced = self._new(layer, layer.output_shape[-1], rank=channels.ids.ndim)
        groups = getattr(layer, "groups", 1)
        if groups > 1:
            for side, ids in (("in", channels.ids), ("out", produced.ids)):
                self._parts.append(_Parts(f"{layer.name} {side}", groups, ids.ravel()))
        if layer.activation is keras.activations.softmax:
            self.fix(produced.ids)
        return produced

    def _merge(self, layer: keras.layers.Layer, inputs: Sequence[Channels]) -> Channels:
        width = max(channels.ids.shape[-1] for channels in inputs)
        for channels in inputs:
            if channels.ids.shape[-1] != width:  # one value for all channels, such as a spatial mask
                self.fix(channels.ids)
        full = [channels for channels in inputs if channels.ids.shape[-1] == width]
        ids = np.broadcast_arrays(*(channels.ids for channels in full))
        self._ties += [(ids[0], other) for other in ids[1:]]
        self._expect_equal(ids)
        return merged(layer, full)

    def _concatenate(self, layer: keras.layers.Layer, inputs: Sequence[Channels]) -> Channels:
        if layer.axis not in (-1, len(layer.output_shape) - 1):
            self._expect_equal([channels.ids for channels in inputs])
        return concatenated(layer, inputs)

    def _expect_equal(self, tensors: Sequence[Ids]) -> None:
        shares = [self._shares(ids) for ids in tensors]
        self._equal += [(shares[0], other) for other in shares[1:] if other != shares[0]]

    def _rearrange(self, layer: keras.layers.Layer, channels: Channels) -> Channels:
        if type(layer) is L.Reshape:
            before, after = channels.ids.size, layer.output_shape[-1]
            if before == channels.ids.shape[-1] and before > after and before % after == 0:
                self._parts.append(_Parts(f"{layer.name} row", before // after, channels.ids.ravel()))
        return rearranged(layer, channels)

    def _pass(self, layer: keras.layers.Layer, channels: Channels) -> Channels:
        if type(layer) in SPATIAL or layer.weights:
            expect_uniform(layer, channels.ids)
        if type(layer) is L.BatchNormalization and list(layer.axis) != [len(layer.input_shape) - 1]:
            raise unsupported(layer, f"normalizes axis {list(layer.axis)}, expected the last (channels)")
        if type(layer) is L.Softmax or getattr(layer, "activation", None) is keras.activations.softmax:
            self.fix(channels.ids)
        ids, importance = channels
        if type(layer) is L.DepthwiseConv2D:
            ids = np.repeat(ids, layer.depth_multiplier, -1)
            importance = np.repeat(importance, layer.depth_multiplier, -1)
        gain = self._gain(layer)
        if gain is not None:
            importance = np.where(np.isnan(importance), gain, importance * gain)
        if len(layer.output_shape) == 2:  # global pooling drops the spatial axes
            return Channels(ids.reshape(-1), importance.reshape(-1))
        return Channels(ids, importance)


def _labelled(count: int, labels: Iterable[tuple[str, Ids]]) -> tuple[frozenset[str], ...]:
    by_unit: list[set[str]] = [set() for _ in range(count)]
    for label, units in labels:
        for unit in units:
            by_unit[unit].add(label)
    return tuple(map(frozenset, by_unit))
