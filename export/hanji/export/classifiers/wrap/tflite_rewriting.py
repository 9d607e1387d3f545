"""Writes the operations at the ends of a ``.tflite`` file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from hanji.compression.classifiers.files.original import is_quantized
from hanji.compression.classifiers.signature_names import CLASSIFY
from hanji.export.classifiers.wrap.steps import (
    CentreCrop,
    ChannelsFirst,
    Convert,
    Ends,
    Reshape,
    ReverseChannels,
    Sigmoid,
    Step,
    TwoClasses,
)
from hanji.export.formats.tflite_graph import Graph, opened, packed
from hanji.runtime.manifest import Tensor

_OPERATOR = schema.BuiltinOperator
_INT8_VERSION = 2  # of the operators below that move values without computing


def rewritten_tflite(content: bytes, ends: Ends, subgraph_index: int, indices: tuple[int, int]) -> bytes:
    """The file with the ends of ``ends`` and one signature, ``classify``.

    ``indices`` are those of the tensors ``ends.source`` and ``ends.result`` in the subgraph.
    """
    model, graphs = opened(content)
    subgraph, graph = model.subgraphs[subgraph_index], graphs[subgraph_index]
    editor = _Editor(graph)
    source, result = indices
    _fix_shape(graph.tensors[source], ends.source)
    image = editor.add(ends.image, like=source) if ends.before else source
    first = editor.chain(image, ends.image, ends.before, source)
    classes = editor.add(ends.classes, like=result) if ends.after else result
    last = editor.chain(result, ends.result, ends.after, classes)
    graph.operators[:] = [*first, *graph.operators, *last]
    subgraph.inputs, subgraph.outputs = [image], [classes]
    model.signatureDefs = [_signature(subgraph_index, (ends.image.name, image), (ends.classes.name, classes))]
    return packed(model)


class _Editor:
    """Makes operators and tensors of one subgraph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def add(self, described: Tensor, *, like: int) -> int:
        """Add a tensor that an operator computes; if it has a scale, it is that of ``like``."""
        tensor, model = schema.TensorT(), self._graph.tensors[like]
        tensor.name = described.name.encode()
        tensor.shape, tensor.hasRank = list(described.shape), True
        tensor.type = getattr(schema.TensorType, described.dtype.upper())
        if described.scale is not None:
            tensor.quantization = model.quantization
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def chain(self, start: int, described: Tensor, steps: Sequence[Step], end: int) -> list[Any]:
        """The operators that compute the tensor ``end`` from ``start``."""
        operators: list[Any] = []
        for number, step in enumerate(steps, 1):
            described = _after(described, step)
            target = end if number == len(steps) else self.add(described, like=start)
            operators += self._operators(step, start, target)
            start = target
        return operators

    def _operators(self, step: Step, start: int, target: int) -> list[Any]:
        match step:
            case CentreCrop():
                begin = self._graph.add_constant(np.array([0, step.top, step.left, 0], np.int32))
                size = self._graph.add_constant(np.array([1, step.height, step.width, -1], np.int32))
                return [self._moved(_OPERATOR.SLICE, [start, begin, size], target, schema.SliceOptionsT())]
            case ReverseChannels():
                options = schema.GatherOptionsT()
                options.axis = 3
                order = self._graph.add_constant(np.array([2, 1, 0], np.int32))
                return [self._moved(_OPERATOR.GATHER, [start, order], target, options)]
            case ChannelsFirst():
                order = self._graph.add_constant(np.array([0, 3, 1, 2], np.int32))
                return [self._moved(_OPERATOR.TRANSPOSE, [start, order], target, schema.TransposeOptionsT())]
            case Reshape(shape):
                options = schema.ReshapeOptionsT()
                options.newShape = list(shape)
                sizes = self._graph.add_constant(np.array(shape, np.int32))
                return [self._graph.operator(_OPERATOR.RESHAPE, [start, sizes], target, options=options)]
            case Convert(given, to):
                return [self._conversion(given, to, start, target)]
            case TwoClasses(of_logit):
                return self._two_classes(start, target, of_logit=of_logit)
            case Sigmoid():
                return [self._graph.operator(_OPERATOR.LOGISTIC, [start], target)]

    def _moved(self, kind: int, inputs: list[int], target: int, options: Any) -> Any:
        is_int8 = self._graph.tensors[target].type == schema.TensorType.INT8
        version = _INT8_VERSION if is_int8 else 1
        return self._graph.operator(kind, inputs, target, version=version, options=options)

    def _conversion(self, given: Tensor, to: Tensor, start: int, target: int) -> Any:
        if is_quantized(to):
            return self._graph.operator(
                _OPERATOR.QUANTIZE, [start], target, options=schema.QuantizeOptionsT()
            )
        if is_quantized(given):
            version = 1 if given.dtype == "uint8" else _INT8_VERSION
            options = schema.DequantizeOptionsT()
            return self._graph.operator(
                _OPERATOR.DEQUANTIZE, [start], target, version=version, options=options
            )
        return self._graph.operator(_OPERATOR.CAST, [start], target, options=schema.CastOptionsT())

    def _two_classes(self, start: int, target: int, *, of_logit: bool) -> list[Any]:
        constant = self._graph.add_constant(np.array([[0.0 if of_logit else 1.0]], np.float32))
        options = schema.ConcatenationOptionsT()
        options.axis = 1
        if of_logit:
            parts = [constant, start]
            return [self._graph.operator(_OPERATOR.CONCATENATION, parts, target, options=options)]
        rest = self._graph.add_variable(like=start)
        return [
            self._graph.operator(_OPERATOR.SUB, [constant, start], rest, options=schema.SubOptionsT()),
            self._graph.operator(_OPERATOR.CONCATENATION, [rest, start], target, options=options),
        ]


def _after(tensor: Tensor, step: Step) -> Tensor:
    """What ``step`` turns ``tensor`` into, for the tensors between two steps."""
    match step:
        case CentreCrop():
            return replace(tensor, shape=(1, step.height, step.width, tensor.shape[3]))
        case ChannelsFirst():
            shape = tuple(tensor.shape[axis] for axis in (0, 3, 1, 2))
            return replace(tensor, shape=shape)
        case Reshape(shape):
            return replace(tensor, shape=shape)
        case Convert(_, to):
            return to
        case _:
            return tensor


def _fix_shape(tensor: Any, described: Tensor) -> None:
    tensor.shape, tensor.shapeSignature = list(described.shape), None


def _signature(subgraph_index: int, image: tuple[str, int], classes: tuple[str, int]) -> Any:
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = CLASSIFY.encode(), subgraph_index
    signature.inputs, signature.outputs = [_mapped(*image)], [_mapped(*classes)]
    return signature


def _mapped(name: str, index: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), index
    return entry


__all__ = ["rewritten_tflite"]
