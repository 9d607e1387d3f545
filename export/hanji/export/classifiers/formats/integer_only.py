"""Extracts the integer-only part of an int8 classifier, as integer accelerators require.

The graph of an exported classifier starts with pixel values and ends with probabilities, with float32 pre-
and postprocessing at both ends. Here both are removed: the remaining network takes normalized values as int8
and returns logits as int8, and the runtime does the rest as the manifest specifies. The normalization and the
temperature are read from the removed operators, because the converter sometimes folds one of their factors
into adjacent weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from hanji.compression.classifiers.signature_names import IMAGE
from hanji.export.formats.tflite_graph import Graph, opened, packed
from hanji.runtime.manifest import Signature, Tensor
from hanji.training.errors import ConversionError

Numbers = npt.NDArray[np.float64]
LOGITS = "logits"
_Op = schema.BuiltinOperator
_PREPROCESSING_OPS = (_Op.CAST, _Op.SUB, _Op.MUL, _Op.RESHAPE, _Op.QUANTIZE)
_POSTPROCESSING_OPS = (_Op.SOFTMAX, _Op.MUL, _Op.DEQUANTIZE)


@dataclass(frozen=True)
class IntegerOnly:
    """An int8 network, and the pre- and postprocessing that the runtime must apply.

    The input represents (pixel value - mean) / std, with one mean and std per channel; the probabilities are
    softmax(output / temperature).
    """

    content: bytes
    mean: tuple[float, ...]
    std: tuple[float, ...]
    temperature: float


def integer_only(content: bytes) -> IntegerOnly:
    """The int8 network of a ``.tflite`` file, with the signature ``classify`` from ``image`` to ``logits``.

    Raises ConversionError if the network does not start and end in int8.
    """
    model, (graph, *_) = opened(content)
    subgraph = model.subgraphs[0]
    first, before = _network_input(graph, int(subgraph.inputs[0]))
    last, after = _network_output(graph, int(subgraph.outputs[0]))
    removed = [*before, *after]
    factor, offset = _affine(graph, before, channels=int(graph.tensors[first].shape[-1]))
    scale, _ = _affine(graph, after, channels=1)
    subgraph.operators = [operator for operator in graph.operators if operator not in removed]
    subgraph.inputs, subgraph.outputs = [first], [last]
    _drop_unused_tensors(subgraph)
    (definition,) = model.signatureDefs
    for entries, indices, name in (
        (definition.inputs, subgraph.inputs, IMAGE),
        (definition.outputs, subgraph.outputs, LOGITS),
    ):
        entries[0].name, entries[0].tensorIndex = name.encode(), indices[0]
        subgraph.tensors[indices[0]].name = name.encode()
    mean, std = (tuple(map(float, values)) for values in (-offset / factor, 1.0 / factor))
    return IntegerOnly(packed(model), mean, std, temperature=float(1.0 / scale[0]))


def _affine(graph: Graph, operators: Sequence[Any], *, channels: int) -> tuple[Numbers, Numbers]:
    """The factor and offset that a chain of operators applies to each channel, float64 [channels] each."""
    constants = graph.constants(np.float32)
    factor, offset = np.ones(channels), np.zeros(channels)
    for operator in operators:
        found = [constants[int(index)] for index in operator.inputs if int(index) in constants]
        # Constants for a whole row of pixels repeat the values of the channels.
        values = np.resize(found[0].astype(np.float64).ravel(), channels) if found else None
        if graph.kind(operator) == _Op.SUB and values is not None:
            offset = offset - values
        elif graph.kind(operator) == _Op.MUL and values is not None:
            factor, offset = factor * values, offset * values
    return factor, offset


def integer_signature(content: bytes, path: str) -> Signature:
    """The signature ``classify`` of a file from ``integer_only``, for the manifest."""
    model, _ = opened(content)
    subgraph = model.subgraphs[0]
    image, logits = (subgraph.tensors[indices[0]] for indices in (subgraph.inputs, subgraph.outputs))
    return Signature(path, (_tensor(IMAGE, image),), (_tensor(LOGITS, logits),))


def _tensor(name: str, tensor: Any) -> Tensor:
    quantization = tensor.quantization
    shape = tuple(int(size) for size in tensor.shape)
    return Tensor(name, "int8", shape, float(quantization.scale[0]), int(quantization.zeroPoint[0]))


def _network_input(graph: Graph, index: int) -> tuple[int, list[Any]]:
    """The int8 tensor computed from the image ``index``, and the operators that lead to it."""
    shape = list(graph.tensors[index].shape)
    passed: list[Any] = []
    while graph.tensors[index].type != schema.TensorType.INT8 or list(graph.tensors[index].shape) != shape:
        consumers = [operator for operator in graph.operators if index in list(operator.inputs)]
        if len(consumers) != 1 or graph.kind(consumers[0]) not in _PREPROCESSING_OPS:
            raise _not_in_int8("first")
        passed.append(consumers[0])
        index = int(consumers[0].outputs[0])
    return index, passed


def _network_output(graph: Graph, index: int) -> tuple[int, list[Any]]:
    """The int8 tensor that the probabilities ``index`` are computed from, and the operators in between."""
    passed: list[Any] = []
    while graph.tensors[index].type != schema.TensorType.INT8:
        producers = [operator for operator in graph.operators if index in list(operator.outputs)]
        if len(producers) != 1 or graph.kind(producers[0]) not in _POSTPROCESSING_OPS:
            raise _not_in_int8("last")
        passed.append(producers[0])
        index = int(producers[0].inputs[0])
    return index, passed


def _not_in_int8(which: str) -> ConversionError:
    return ConversionError(
        f"Edge TPU: expected an integer-only int8 network, found a {which} layer that does not compute in "
        "int8; compress the network with int8-qat or int8, without float_layers"
    )


def _drop_unused_tensors(subgraph: Any) -> None:
    used = {int(index) for indices in (subgraph.inputs, subgraph.outputs) for index in indices}
    for operator in subgraph.operators:
        used |= {int(index) for index in [*operator.inputs, *operator.outputs] if index >= 0}
    new_indices = {old: new for new, old in enumerate(sorted(used))}
    new_indices[-1] = -1  # an omitted optional input
    subgraph.tensors = [subgraph.tensors[index] for index in sorted(used)]
    for entry in (subgraph, *subgraph.operators):
        entry.inputs = [new_indices[int(index)] for index in entry.inputs]
        entry.outputs = [new_indices[int(index)] for index in entry.outputs]


__all__ = ["LOGITS", "IntegerOnly", "integer_only", "integer_signature"]
