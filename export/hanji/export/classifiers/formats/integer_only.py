"""An int8 classifier without the floats around it, as accelerators for whole numbers take it.

The graph of an exported classifier begins with levels and ends with probabilities; both ends compute in
floats. Here they are cut off: what is left takes normalized numbers as int8 and gives logits as int8, and the
runtime does the rest, by what the manifest says of the input and of the probabilities. What it is to do is
read off the ends, for the converter now and then puts a factor of theirs into the weights beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from hanji.export.classifiers.formats.names import IMAGE
from hanji.export.formats.tflite_graph import Graph, opened, packed
from hanji.runtime.manifest import Signature, Tensor
from hanji.training.errors import ConversionError

Numbers = npt.NDArray[np.float64]
LOGITS = "logits"
_Op = schema.BuiltinOperator
_BEFORE = (_Op.CAST, _Op.SUB, _Op.MUL, _Op.RESHAPE, _Op.QUANTIZE)
_AFTER = (_Op.SOFTMAX, _Op.MUL, _Op.DEQUANTIZE)


@dataclass(frozen=True)
class IntegerOnly:
    """A network alone, in int8, and what is to be done around it.

    Its input stands for (level - mean) / std, with one mean and std for each channel; probabilities are
    softmax(output / temperature).
    """

    content: bytes
    mean: tuple[float, ...]
    std: tuple[float, ...]
    temperature: float


def integer_only(content: bytes) -> IntegerOnly:
    """The network of a ``.tflite`` file alone, its signature ``classify`` from ``image`` to ``logits``.

    Raises ConversionError where the network does not begin and end in int8.
    """
    model, (graph, *_) = opened(content)
    subgraph = model.subgraphs[0]
    first, before = _network_input(graph, int(subgraph.inputs[0]))
    last, after = _network_output(graph, int(subgraph.outputs[0]))
    around = [*before, *after]
    factor, offset = _affine(graph, before, channels=int(graph.tensors[first].shape[-1]))
    scale, _ = _affine(graph, after, channels=1)
    subgraph.operators = [operator for operator in graph.operators if operator not in around]
    subgraph.inputs, subgraph.outputs = [first], [last]
    _drop_unused_tensors(subgraph)
    (definition,) = model.signatureDefs
    for ends, indices, name in (
        (definition.inputs, subgraph.inputs, IMAGE),
        (definition.outputs, subgraph.outputs, LOGITS),
    ):
        ends[0].name, ends[0].tensorIndex = name.encode(), indices[0]
        subgraph.tensors[indices[0]].name = name.encode()
    mean, std = (tuple(map(float, values)) for values in (-offset / factor, 1.0 / factor))
    return IntegerOnly(packed(model), mean, std, temperature=float(1.0 / scale[0]))


def _affine(graph: Graph, operators: Sequence[Any], *, channels: int) -> tuple[Numbers, Numbers]:
    """The factor and then the offset that operators in one line apply to each channel, float64 [channels]."""
    constants = graph.constants(np.float32)
    factor, offset = np.ones(channels), np.zeros(channels)
    for operator in operators:
        found = [constants[int(index)] for index in operator.inputs if int(index) in constants]
        # A row of pixels at a time has the channels' numbers again and again.
        values = np.resize(found[0].astype(np.float64).ravel(), channels) if found else None
        if graph.kind(operator) == _Op.SUB and values is not None:
            offset = offset - values
        elif graph.kind(operator) == _Op.MUL and values is not None:
            factor, offset = factor * values, offset * values
    return factor, offset


def integer_signature(content: bytes, path: str) -> Signature:
    """The signature ``classify`` of what ``integer_only`` gave, for the manifest."""
    model, _ = opened(content)
    subgraph = model.subgraphs[0]
    image, logits = (subgraph.tensors[ends[0]] for ends in (subgraph.inputs, subgraph.outputs))
    return Signature(path, (_tensor(IMAGE, image),), (_tensor(LOGITS, logits),))


def _tensor(name: str, tensor: Any) -> Tensor:
    quantization = tensor.quantization
    shape = tuple(int(size) for size in tensor.shape)
    return Tensor(name, "int8", shape, float(quantization.scale[0]), int(quantization.zeroPoint[0]))


def _network_input(graph: Graph, index: int) -> tuple[int, list[Any]]:
    """The tensor in int8 that the picture ``index`` becomes, and the operators on the way to it."""
    shape = list(graph.tensors[index].shape)
    passed: list[Any] = []
    while graph.tensors[index].type != schema.TensorType.INT8 or list(graph.tensors[index].shape) != shape:
        takers = [operator for operator in graph.operators if index in list(operator.inputs)]
        if len(takers) != 1 or graph.kind(takers[0]) not in _BEFORE:
            raise _not_in_int8("first")
        passed.append(takers[0])
        index = int(takers[0].outputs[0])
    return index, passed


def _network_output(graph: Graph, index: int) -> tuple[int, list[Any]]:
    """The tensor in int8 that becomes the probabilities ``index``, and the operators on the way from it."""
    passed: list[Any] = []
    while graph.tensors[index].type != schema.TensorType.INT8:
        givers = [operator for operator in graph.operators if index in list(operator.outputs)]
        if len(givers) != 1 or graph.kind(givers[0]) not in _AFTER:
            raise _not_in_int8("last")
        passed.append(givers[0])
        index = int(givers[0].inputs[0])
    return index, passed


def _not_in_int8(which: str) -> ConversionError:
    return ConversionError(
        f"Edge TPU: expected a network in whole numbers of 8 bits throughout, but its {which} layer computes "
        "in other numbers; compress it with int8-qat or int8, and without float_layers"
    )


def _drop_unused_tensors(subgraph: Any) -> None:
    used = {int(index) for ends in (subgraph.inputs, subgraph.outputs) for index in ends}
    for operator in subgraph.operators:
        used |= {int(index) for index in [*operator.inputs, *operator.outputs] if index >= 0}
    places = {index: place for place, index in enumerate(sorted(used))}
    places[-1] = -1  # an input that is left out
    subgraph.tensors = [subgraph.tensors[index] for index in sorted(used)]
    for entry in (subgraph, *subgraph.operators):
        entry.inputs = [places[int(index)] for index in entry.inputs]
        entry.outputs = [places[int(index)] for index in entry.outputs]


__all__ = ["LOGITS", "IntegerOnly", "integer_only", "integer_signature"]
