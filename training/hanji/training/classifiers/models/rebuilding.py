"""Rebuilds networks from their layers: flattened, or with some layers replaced or removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras as keras

Layer = Any  # a Keras layer; Keras has no types
Change = Callable[[Layer], "Layer | None"]
"""Returns the replacement of a layer, the same one each time; None removes the layer."""


def flattened(model: keras.Model) -> keras.Model:
    """A copy of ``model`` without nested models, weights included.

    A layer that is used several times remains a single layer; one whose name is taken is prefixed with the
    name of its model. ValueError unless ``model`` is a built functional or sequential model.
    """
    expect_graph(model)
    copies: dict[int, tuple[Layer, Layer]] = {}
    taken: set[str] = set()

    def copied(layer: Layer, name: str) -> Layer:
        if id(layer) not in copies:
            copies[id(layer)] = layer, type(layer).from_config({**layer.get_config(), "name": name})
            taken.add(name)
        return copies[id(layer)][1]

    def change(layer: Layer, parent: str) -> Layer:
        return copied(layer, f"{parent}_{layer.name}" if layer.name in taken else layer.name)

    flat = _rebuilt(model, change)
    for layer, copy in copies.values():
        copy.set_weights(layer.get_weights())
        if hasattr(copy, "finalize_state"):  # a Normalization caches values computed from its weights
            copy.finalize_state()
    return flat


def rebuilt(model: keras.Model, change: Change) -> keras.Model:
    """A functional copy of the flat ``model`` with ``change`` applied to each layer, without the weights."""
    copies: dict[str, Layer | None] = {}

    def changed(layer: Layer, _: str) -> Layer | None:
        if layer.name not in copies:
            copies[layer.name] = change(layer)
        return copies[layer.name]

    return _rebuilt(model, changed)


def with_parts(flat: keras.Model, parts_of: Callable[[Layer], keras.Model | None]) -> keras.Model:
    """A copy of the ``flat`` network with some layers replaced by those of small networks, weights included.

    ``parts_of`` returns the network for a layer, with the same weights in the same order, or None to keep it.
    """
    parts = {layer.name: made for layer in flat.layers if (made := parts_of(layer)) is not None}
    if not parts:
        return flat

    def change(layer: Layer) -> Layer:
        return parts.get(layer.name) or type(layer).from_config(layer.get_config())

    network = rebuilt(flat, change)
    for layer in flat.layers:
        copy = parts.get(layer.name) or network.get_layer(layer.name)
        copy.set_weights(layer.get_weights())
        if hasattr(copy, "finalize_state"):
            copy.finalize_state()
    return flattened(network)


def expect_graph(model: keras.Model) -> None:
    """ValueError unless ``model`` and each model nested in it is a built functional or sequential model."""
    if not isinstance(model, keras.Model):
        raise ValueError(f"expected a tf_keras model, found {type(model).__module__}.{type(model).__name__}")
    if not (isinstance(model, keras.Sequential) or model._is_graph_network):
        raise ValueError(
            f"the model {model.name!r} is subclassed ({type(model).__name__}); expected a functional or a "
            "sequential model, whose layer graph is known"
        )
    if not model.built or not model.inputs:
        raise ValueError(f"the sequential model {model.name!r} has no input shape yet; call it once first")
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            expect_graph(layer)


def calls(model: keras.Model) -> list[Any]:
    """The Keras nodes of all layer calls between inputs and outputs, in order of execution.

    Calls of the same layers by other models that share them are not included.
    """
    by_depth = model._nodes_by_depth
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth] if not node.is_input]


def _rebuilt(model: keras.Model, change: Callable[[Layer, str], Layer | None]) -> keras.Model:
    names = {id(tensor): name for tensor, name in zip(model.inputs, model.input_names, strict=True)}

    def new_input(tensor: Any) -> Any:
        size, *shape = tensor.shape
        return keras.Input(shape, batch_size=size, dtype=tensor.dtype, name=names[id(tensor)])

    inputs = tf.nest.map_structure(new_input, model.input)
    outputs = _outputs_for(model, inputs, change)
    return keras.Model(inputs, outputs, name=model.name)


def _outputs_for(model: keras.Model, inputs: Any, change: Callable[[Layer, str], Layer | None]) -> Any:
    """The outputs of ``model``, with changed layers, for other ``inputs``."""
    known = {id(old): new for old, new in zip(model.inputs, tf.nest.flatten(inputs), strict=True)}

    def current(value: Any) -> Any:
        return known.get(id(value), value)

    for node in calls(model):
        args, kwargs = tf.nest.map_structure(current, (node.call_args, node.call_kwargs))
        if isinstance(node.layer, keras.Model):
            result = _outputs_for(node.layer, args[0], change)
        else:
            layer = change(node.layer, model.name)
            result = args[0] if layer is None else layer(*args, **kwargs)
        pairs = zip(tf.nest.flatten(node.outputs), tf.nest.flatten(result), strict=True)
        known |= {id(old): new for old, new in pairs}
    return tf.nest.map_structure(current, model.output)


__all__ = ["Change", "calls", "expect_graph", "flattened", "rebuilt", "with_parts"]
