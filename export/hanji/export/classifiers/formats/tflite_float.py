"""Keeps selected layers of a QAT network in float32 while their neighbours are quantized.

The converter quantizes everything between two FakeQuant operations, including kernels without one. So a
marker is inserted before such a layer: an operation that the converter supports in float32 only. The marker
is removed from the converted file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
import tf_keras as keras
from tensorflow.lite.python import schema_py_generated as schema

from hanji.export.formats.tflite_graph import Graph, opened, packed

_MARKER_SCOPE = "hanji_in_float"


@contextmanager
def keep_in_float(model: keras.Model, layers: Sequence[str]) -> Iterator[None]:
    """Trace ``model`` with markers before the ``layers`` inside the block; its results are invalid there."""
    marked = [layer for layer in map(_innermost, model.layers) if layer.name in layers]
    try:
        for layer in marked:
            layer.call = _after_marker(layer.call)
        yield
    finally:
        for layer in marked:
            del layer.call


def remove_markers(content: bytes) -> bytes:
    """The ``.tflite`` file without the markers."""
    model, graphs = opened(content)
    for graph in graphs:
        for operator in [operator for operator in graph.operators if _is_marker(graph, operator)]:
            _remove(graph, operator)
    return packed(model)


def _after_marker(call: Any) -> Any:
    def marked(x: Any, *arguments: Any, **options: Any) -> Any:
        with tf.name_scope(_MARKER_SCOPE):
            return call(tf.sin(x), *arguments, **options)

    return marked


def _innermost(layer: keras.layers.Layer) -> keras.layers.Layer:
    return getattr(layer, "layer", layer)


def _is_marker(graph: Graph, operator: Any) -> bool:
    return graph.kind(operator) == schema.BuiltinOperator.SIN and _MARKER_SCOPE in str(
        graph.tensors[operator.outputs[0]].name
    )


def _remove(graph: Graph, marker: Any) -> None:
    source, target = marker.inputs[0], marker.outputs[0]
    graph.operators.remove(marker)
    for operator in graph.operators:
        operator.inputs = [source if index == target else index for index in operator.inputs]


__all__ = ["keep_in_float", "remove_markers"]
