"""Layers of a network with FakeQuant operations that stay in floats, though their neighbours do not.

The converter quantizes whatever lies between two FakeQuant operations, also a kernel that has none. So such a
layer gets a mark before it: an operation that the converter knows in floats only. When the file is written,
the mark is taken out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
import tf_keras as keras
from tensorflow.lite.python import schema_py_generated as schema

from hanji.export.formats.tflite_graph import Graph, opened, packed

_MARK = "hanji_in_float"


@contextmanager
def held_in_float(model: keras.Model, layers: Sequence[str]) -> Iterator[None]:
    """Inside the block ``model`` is traced with marks before the ``layers``; it computes nonsense then."""
    marked = [layer for layer in map(_innermost, model.layers) if layer.name in layers]
    try:
        for layer in marked:
            layer.call = _after_mark(layer.call)
        yield
    finally:
        for layer in marked:
            del layer.call


def without_marks(content: bytes) -> bytes:
    """The ``.tflite`` file with its marks taken out."""
    model, graphs = opened(content)
    for graph in graphs:
        for operator in [operator for operator in graph.operators if _is_mark(graph, operator)]:
            _take_out(graph, operator)
    return packed(model)


def _after_mark(call: Any) -> Any:
    def marked(x: Any, *arguments: Any, **options: Any) -> Any:
        with tf.name_scope(_MARK):
            return call(tf.sin(x), *arguments, **options)

    return marked


def _innermost(layer: keras.layers.Layer) -> keras.layers.Layer:
    return getattr(layer, "layer", layer)


def _is_mark(graph: Graph, operator: Any) -> bool:
    return graph.kind(operator) == schema.BuiltinOperator.SIN and _MARK in str(
        graph.tensors[operator.outputs[0]].name
    )


def _take_out(graph: Graph, mark: Any) -> None:
    source, target = mark.inputs[0], mark.outputs[0]
    graph.operators.remove(mark)
    for operator in graph.operators:
        operator.inputs = [source if index == target else index for index in operator.inputs]


__all__ = ["held_in_float", "without_marks"]
