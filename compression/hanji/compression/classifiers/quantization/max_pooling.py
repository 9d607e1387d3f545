"""A max pooling between a convolution and its normalization goes behind both, and behind the activation.

Pooling first is less work in training. But engines compute convolution, normalization and activation as one
operation only where they stand side by side. Where no channel's scale is negative it is the same, as both
normalization and activation then keep the order of values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tf_keras as keras

from hanji.compression.classifiers.networks import copy_weights

L = keras.layers


def pools_last(model: keras.Model) -> keras.Model:
    """A copy of the functional ``model`` in which such poolings have changed places."""
    config = model.get_config()
    readers = _readers(config)
    behind = {
        layer.name: _monotone_behind(model, layer.name, readers)
        for layer in model.layers
        if type(layer) is L.MaxPooling2D
    }
    for pool, followers in behind.items():
        if followers and isinstance(model.get_layer(followers[0]), L.BatchNormalization):
            _move_behind(config, pool, followers[-1])
    moved = keras.Model.from_config(config)
    copy_weights(model, moved)
    return moved


def _monotone_behind(model: keras.Model, name: str, readers: dict[str, list[str]]) -> list[str]:
    """The normalization, if no scale of it is negative, and the ReLU that follow ``name`` alone."""
    found: list[str] = []
    while len(readers[name]) == 1:
        name = readers[name][0]
        layer = model.get_layer(name)
        rising = isinstance(layer, L.BatchNormalization) and (
            not layer.scale or bool(np.all(layer.gamma.numpy() >= 0.0))
        )
        if not ((rising and not found) or isinstance(layer, L.ReLU)):
            break
        found.append(name)
    return found


def _readers(config: dict[str, Any]) -> dict[str, list[str]]:
    """By layer, the layers that read it. A bare TensorFlow function may count twice."""
    readers: dict[str, list[str]] = {entry["name"]: [] for entry in config["layers"]}
    for entry in config["layers"]:
        for node in entry["inbound_nodes"]:
            for source in _sources(node):
                readers[source].append(entry["name"])
    return readers


def _sources(node: Any) -> list[str]:
    """The names in one node of a config, however deep: ["name", 0, 0, {…}] or lists of such."""
    if isinstance(node, dict):
        return [name for value in node.values() for name in _sources(value)]
    if not isinstance(node, list):
        return []
    is_source = len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int)
    return ([node[0]] if is_source else []) + [name for part in node for name in _sources(part)]


def _move_behind(config: dict[str, Any], pool: str, last: str) -> None:
    """Put ``pool`` behind ``last``: what it read goes to its reader, and what read ``last`` now reads it."""
    entries = {entry["name"]: entry for entry in config["layers"]}
    producer = entries[pool]["inbound_nodes"][0][0][0]
    for entry in config["layers"]:
        for node in entry["inbound_nodes"]:
            for source in node:
                if entry["name"] != pool and source[0] in (pool, last):
                    source[0] = producer if source[0] == pool else pool
    entries[pool]["inbound_nodes"][0][0][0] = last
    for output in config["output_layers"]:
        if output[0] == last:
            output[0] = pool


__all__ = ["pools_last"]
