"""Structured pruning: whole channels are removed; the result is a smaller dense network.

Channels that depend on each other, through depthwise convolutions, sums and concatenations, are removed
together (see channel_graph.py). The importance of a channel is multiplied by the factors of the layers along
each path to its readers, and summed over residual sums and readers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.fitting import Fitting
from hanji.compression.classifiers.pruning.channel_graph import ChannelGraph, Gain, trace_channels
from hanji.compression.classifiers.pruning.channel_layers import Importance, unsupported
from hanji.compression.classifiers.pruning.channel_weights import copy_kept_weights
from hanji.compression.classifiers.pruning.channel_widths import kept_widths
from hanji.compression.classifiers.steps import PruneChannels
from hanji.training.errors import RecipeError
from hanji.training.fitting.determinism import seed_everything

L = keras.layers
WIDTH = {"Conv2D": "filters", "Dense": "units"}
"""By layer type, the config key of the number of output channels."""


def channels(model: keras.Model, step: PruneChannels, fitting: Fitting) -> keras.Model:
    """A smaller network with the fraction ``step.keep`` of the channels of ``model``, retrained.

    RecipeError if the channels of ``model`` cannot be traced through some layer.
    """
    pruned = prune_channels(model, keep=step.keep, criterion=step.criterion)
    distilling = fitting.distilling_from(
        model,
        teacher_weight=step.teacher_weight,
        temperature=step.temperature,
        views=min(step.views, step.epochs),
    )
    seed_everything(fitting.seed)
    distilling.fit(pruned, fitting.schedule(step), "Channels")
    return pruned


def prune_channels(model: keras.Model, *, keep: float, criterion: str) -> keras.Model:
    """``model`` with the fraction ``keep`` of each layer's channels, by ``bn-scale`` or ``l1``; untrained.

    Layers keep their names; the network's inputs and outputs keep their shapes. Widths are rounded to what
    group convolutions require, and are at least one. RecipeError as for ``channels``.
    """
    model = functional(model)
    graph = trace_channels(model, GAINS[criterion])
    widths = kept_widths(graph, keep)
    _expect_scored(graph, widths)
    pruned = _narrowed(model, graph, widths)
    kept = _kept_channels(graph, trace_channels(pruned))
    copy_kept_weights(model, pruned, graph, kept)
    return pruned


def functional(model: keras.Model) -> keras.Model:
    """``model`` as a functional model; the config of a Sequential has no inbound nodes."""
    if not isinstance(model, keras.Sequential):
        return model
    return keras.Model(model.inputs, model.outputs, name=model.name)


def scale_gain(layer: keras.layers.Layer) -> Importance | None:
    """The absolute scale of a batch normalization, per channel (Liu et al. 2017)."""
    if type(layer) is not L.BatchNormalization or not layer.scale:
        return None
    scale: Importance = np.abs(layer.gamma.numpy().astype(np.float64))
    return scale


def l1_gain(layer: keras.layers.Layer) -> Importance | None:
    """The L1 norm of each channel's kernel, relative to the layer's mean (Li et al. 2017)."""
    kernel: Any = None
    if type(layer) is L.DepthwiseConv2D:
        kernel = layer.depthwise_kernel.numpy()
        kernel = kernel.reshape(*kernel.shape[:2], -1)
    elif type(layer).__name__ in WIDTH:
        kernel = layer.kernel.numpy()
    if kernel is None:
        return None
    norms: Importance = np.abs(kernel.astype(np.float64)).sum(axis=tuple(range(kernel.ndim - 1)))
    return norms / max(float(norms.mean()), 1e-12)


GAINS: dict[str, Gain] = {"bn-scale": scale_gain, "l1": l1_gain}


def _expect_scored(graph: ChannelGraph, widths: dict[str, int]) -> None:
    narrowed = {name for name, ids in graph.produced.items() if widths[name] < len(ids)}
    for unit, (producer, reader) in graph.unscored.items():
        if graph.producers[unit] & narrowed:
            raise RecipeError(
                f'channels: criterion "bn-scale" expected a batch normalization with a scale between layers '
                f'{producer!r} and {reader!r}, found none; use criterion = "l1"'
            )


def _narrowed(model: keras.Model, graph: ChannelGraph, widths: dict[str, int]) -> keras.Model:
    """The same architecture with other ``widths``, not initialized from ``model``."""
    fraction = np.empty(len(graph.unit))
    for name, ids in graph.produced.items():
        fraction[ids] = widths[name] / len(ids)
    config = model.get_config()
    for entry in config["layers"]:
        layer, settings = model.get_layer(entry["name"]), entry["config"]
        if entry["class_name"] in WIDTH:
            settings[WIDTH[entry["class_name"]]] = widths[layer.name]
        elif type(layer) is L.Reshape:
            settings["target_shape"] = _narrowed_shape(layer, fraction[graph.inputs[layer.name][0]])
    return keras.Model.from_config(config)


def _narrowed_shape(layer: keras.layers.Layer, fraction: NDArray[np.float64]) -> tuple[int, ...]:
    """The target shape of a Reshape whose inputs keep ``fraction`` of their channels: a shorter last axis."""
    *shape, _ = layer.output_shape[1:]
    last = np.broadcast_to(fraction, layer.input_shape[1:]).sum() / np.prod(shape)
    if not np.isclose(last, round(last)):
        raise unsupported(layer, "has a target shape that does not fit this fraction of the channels")
    return (*shape, round(last))


def _kept_channels(graph: ChannelGraph, pruned: ChannelGraph) -> NDArray[np.bool_]:
    """By channel of ``graph``, whether it is kept: the most important of those that are interchangeable."""
    counts = Counter(zip(pruned.producers, pruned.parts, strict=True))
    kinds: dict[tuple[frozenset[str], frozenset[str]], list[int]] = {}
    for unit, kind in enumerate(zip(graph.producers, graph.parts, strict=True)):
        kinds.setdefault(kind, []).append(unit)
    kept = np.zeros(len(graph.fixed), bool)
    for kind, count in counts.items():
        units = np.array(kinds.get(kind, []), np.int64)
        if len(units) < count:
            raise RecipeError(
                f"channels: the groups of layer {_listed(kind[0])} cannot be pruned evenly to this fraction; "
                "try another fraction, or a network with widths that have more divisors"
            )
        order = np.argsort(-graph.importance[units], kind="stable")
        kept[units[order[:count]]] = True
    return kept[graph.unit]


def _listed(names: Iterable[str]) -> str:
    first, *others = sorted(names)
    return repr(first) + (f" and {len(others)} others" if others else "")
