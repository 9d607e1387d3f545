"""Structured pruning: whole channels go, and what is left is a smaller network of the ordinary kind.

Channels that belong together, through depthwise convolutions, sums and joins, go together (channel_graph.py
finds out which). A channel is worth what the layers that read it get of it: along a path the factors of the
path's layers are multiplied, over residual sums and over readers they are added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.compression.classifiers.fitting import Fitting
from hanji.compression.classifiers.pruning.channel_graph import ChannelGraph, Gain, follow
from hanji.compression.classifiers.pruning.channel_layers import Weight, lost
from hanji.compression.classifiers.pruning.channel_weights import copy_kept_weights
from hanji.compression.classifiers.pruning.channel_widths import kept_widths
from hanji.compression.classifiers.steps import PruneChannels
from hanji.training.errors import RecipeError
from hanji.training.fitting.determinism import seed_everything

L = keras.layers
WIDTH = {"Conv2D": "filters", "Dense": "units"}
"""What a layer's config calls the number of channels that it makes."""


def channels(model: keras.Model, step: PruneChannels, fitting: Fitting) -> keras.Model:
    """A smaller network with ``step.keep`` of the channels of ``model``, trained again.

    RecipeError if the channels of ``model`` cannot be followed through some layer.
    """
    smaller = cut_channels(model, keep=step.keep, criterion=step.criterion)
    taught = fitting.following(
        model,
        teacher_weight=step.teacher_weight,
        temperature=step.temperature,
        views=min(step.views, step.epochs),
    )
    seed_everything(fitting.seed)
    taught.fit(smaller, fitting.schedule(step), "Channels")
    return smaller


def cut_channels(model: keras.Model, *, keep: float, criterion: str) -> keras.Model:
    """``model`` with the fraction ``keep`` of each layer's channels, by ``bn-scale`` or ``l1``; not trained.

    Layers keep their names; the network's inputs and outputs keep their shapes. Channels are rounded to
    what group convolutions need, and at least one stays. RecipeError as for ``channels``.
    """
    model = functional(model)
    graph = follow(model, GAINS[criterion])
    widths = kept_widths(graph, keep)
    _expect_weighed(graph, widths)
    smaller = _shrunk(model, graph, widths)
    kept = _chosen(graph, follow(smaller))
    copy_kept_weights(model, smaller, graph, kept)
    return smaller


def functional(model: keras.Model) -> keras.Model:
    """``model`` as a functional one; a Sequential has no places of its layers in its config."""
    if not isinstance(model, keras.Sequential):
        return model
    return keras.Model(model.inputs, model.outputs, name=model.name)


def scale_gain(layer: keras.layers.Layer) -> Weight | None:
    """The size of a batch normalization's scale: the spread of what it lets through (Liu et al. 2017)."""
    if type(layer) is not L.BatchNormalization or not layer.scale:
        return None
    scale: Weight = np.abs(layer.gamma.numpy().astype(np.float64))
    return scale


def l1_gain(layer: keras.layers.Layer) -> Weight | None:
    """The L1 norm of each channel's kernel over the layer's mean (Li et al. 2017)."""
    kernel: Any = None
    if type(layer) is L.DepthwiseConv2D:
        kernel = layer.depthwise_kernel.numpy()
        kernel = kernel.reshape(*kernel.shape[:2], -1)
    elif type(layer).__name__ in WIDTH:
        kernel = layer.kernel.numpy()
    if kernel is None:
        return None
    norms: Weight = np.abs(kernel.astype(np.float64)).sum(axis=tuple(range(kernel.ndim - 1)))
    return norms / max(float(norms.mean()), 1e-12)


GAINS: dict[str, Gain] = {"bn-scale": scale_gain, "l1": l1_gain}


def _expect_weighed(graph: ChannelGraph, widths: dict[str, int]) -> None:
    shrinking = {name for name, ids in graph.made.items() if widths[name] < len(ids)}
    for unit, (maker, reader) in graph.unweighed.items():
        if graph.makers[unit] & shrinking:
            raise RecipeError(
                f'channels: criterion "bn-scale" expected a batch normalization with a scale between layers '
                f'{maker!r} and {reader!r}, found none; take criterion = "l1"'
            )


def _shrunk(model: keras.Model, graph: ChannelGraph, widths: dict[str, int]) -> keras.Model:
    """The same network of other ``widths``, its weights new."""
    share = np.empty(len(graph.unit))
    for name, ids in graph.made.items():
        share[ids] = widths[name] / len(ids)
    config = model.get_config()
    for entry in config["layers"]:
        layer, settings = model.get_layer(entry["name"]), entry["config"]
        if entry["class_name"] in WIDTH:
            settings[WIDTH[entry["class_name"]]] = widths[layer.name]
        elif type(layer) is L.Reshape:
            settings["target_shape"] = _shrunk_shape(layer, share[graph.inputs[layer.name][0]])
    return keras.Model.from_config(config)


def _shrunk_shape(layer: keras.layers.Layer, share: Weight) -> tuple[int, ...]:
    """The target of a Reshape of which only ``share`` of each number is left: its last axis gets shorter."""
    *shape, _ = layer.output_shape[1:]
    left = np.broadcast_to(share, layer.input_shape[1:]).sum() / np.prod(shape)
    if not np.isclose(left, round(left)):
        raise lost(layer, "cannot hold this fraction of the channels in its shape")
    return (*shape, round(left))


def _chosen(graph: ChannelGraph, smaller: ChannelGraph) -> NDArray[np.bool_]:
    """By channel of ``graph``, whether it stays: of those that can replace one another, the weightiest."""
    wanted = Counter(zip(smaller.makers, smaller.parts, strict=True))
    kinds: dict[tuple[frozenset[str], frozenset[str]], list[int]] = {}
    for unit, kind in enumerate(zip(graph.makers, graph.parts, strict=True)):
        kinds.setdefault(kind, []).append(unit)
    stays = np.zeros(len(graph.fixed), bool)
    for kind, count in wanted.items():
        units = np.array(kinds.get(kind, []), np.int64)
        if len(units) < count:
            raise RecipeError(
                f"channels: the groups of layer {_listed(kind[0])} cannot be cut evenly to this fraction; "
                "try another, or a network whose numbers of channels its groups divide more often"
            )
        order = np.argsort(-graph.weight[units], kind="stable")
        stays[units[order[:count]]] = True
    return stays[graph.unit]


def _listed(names: Iterable[str]) -> str:
    first, *others = sorted(names)
    return repr(first) + (f" and {len(others)} others" if others else "")
