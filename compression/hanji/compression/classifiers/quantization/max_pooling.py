"""Moves a max pooling between a convolution and its batch normalization after both, and after the activation.

Pooling first is faster in training, but engines fuse convolution, normalization and activation only if they
are adjacent. If no channel's scale is negative, the result is the same, because normalization and activation
are then monotonic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tf_keras as keras

from hanji.compression.classifiers.networks import copy_weights

L = keras.layers


def pools_last(model: keras.Model) -> keras.Model:
    """A copy of the functional ``model`` with such poolings moved."""
    config = model.get_config()
    readers = _readers(config)
    followers = {
        layer.name: _monotonic_followers(model, layer.name, readers)
        for layer in model.layers
        if type(layer) is L.MaxPooling2D
    }
    for pool, names in followers.items():
        if names and isinstance(model.get_layer(names[0]), L.BatchNormalization):
            _move_after(config, pool, names[-1])
    reordered = keras.Model.from_config(config)
    copy_weights(model, reordered)
    return reordered


def _monotonic_followers(model: keras.Model, name: str, readers: dict[str, list[str]]) -> list[str]:
    """The chain of single readers of ``name``: a normalization without negative scales, then ReLUs."""
    followers: list[str] = []
    while len(readers[name]) == 1:
        name = readers[name][0]
        layer = model.get_layer(name)
        monotonic = isinstance(layer, L.BatchNormalization) and (
            not layer.scale or bool(np.all(layer.gamma.numpy() >= 0.0))
        )
        if not ((monotonic and not followers) or isinstance(layer, L.ReLU)):
            break
        followers.append(name)
    return followers


def _readers(config: dict[str, Any]) -> dict[str, list[str]]:
    """By layer, the layers that read it. A bare TensorFlow function may be listed twice."""
    readers: dict[str, list[str]] = {entry["name"]: [] for entry in config["layers"]}
    for entry in config["layers"]:
        for node in entry["inbound_nodes"]:
            for source in _sources(node):
                readers[source].append(entry["name"])
    return readers


def _sources(node: Any) -> list[str]:
    """The names in one node of a config: ["name", 0, 0, {…}], or nested lists of these."""
    if isinstance(node, dict):
        return [name for value in node.values() for name in _sources(value)]
    if not isinstance(node, list):
        return []
    is_source = len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int)
    return ([node[0]] if is_source else []) + [name for part in node for name in _sources(part)]


def _move_after(config: dict[str, Any], pool: str, last: str) -> None:
    """Move ``pool`` after ``last``: its readers get its input instead, the readers of ``last`` its output."""
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
