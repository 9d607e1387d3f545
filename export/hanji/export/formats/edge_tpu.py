"""Checks a ``.tflite`` file against the operators that Google's Edge TPU supports.

The Edge TPU computes in 8-bit integers. Its compiler (edgetpu_compiler 16, the last release) supports the
operators of a published list (Coral, "TensorFlow models on the Edge TPU"), each with restrictions; from the
first unsupported operator on, the graph runs on the CPU. A file is checked against that list only: the
compiler is not run, and it has further, undocumented limits on size and precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hanji.export.formats.tflite_graph import KIND_NAMES, TYPE_NAMES, Graph, opened
from hanji.training.errors import ConversionError

MAX_SOFTMAX_ELEMENTS = 16_000
"""The largest number of elements that a softmax may have."""

_EIGHT_BITS = ("int8", "uint8")
_NEWEST_VERSIONS = {"CONV_2D": 5, "TRANSPOSE_CONV": 3}
"""The newest supported operator versions; users have reported that the compiler rejects the next one."""

_WITHOUT_LIMITS = (
    "ADD",
    "EXPAND_DIMS",
    "L2_NORMALIZATION",
    "LOGISTIC",
    "MAXIMUM",
    "MINIMUM",
    "MUL",
    "QUANTIZE",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "RESHAPE",
    "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR",
    "RSQRT",
    "SLICE",
    "SPACE_TO_DEPTH",
    "SQUARED_DIFFERENCE",
    "SUB",
    "TANH",
    "TRANSPOSE",
    "TRANSPOSE_CONV",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
)
_WITH_PARAMETERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


class _Operator:
    """One operator with its tensors and its options."""

    def __init__(self, model: Any, graph: Graph, operator: Any) -> None:
        self.kind = KIND_NAMES.get(graph.kind(operator), f"operator {graph.kind(operator)}")
        self.version = int(model.operatorCodes[operator.opcodeIndex].version)
        self.options = operator.builtinOptions
        self.name = (graph.tensors[operator.outputs[0]].name or b"").decode().split(";")[0]
        self.inputs = [graph.tensors[index] for index in operator.inputs if index >= 0]
        self.outputs = [graph.tensors[index] for index in operator.outputs]
        self._model = model

    def constant(self, tensor: Any) -> npt.NDArray[np.uint8] | None:
        """The bytes of a constant tensor; None for a tensor computed at run time."""
        data = self._model.buffers[tensor.buffer].data
        return None if data is None else np.asarray(data, np.uint8)

    def constant_integers(self, index: int) -> list[int]:
        """The values of the constant int32 input ``index``, such as axes."""
        content = self.constant(self.inputs[index])
        return [] if content is None else [int(number) for number in content.view("<i4").ravel()]


def incompatibilities(content: bytes) -> list[str]:
    """What keeps a file off the Edge TPU, one line each, in operator order; empty if it is compatible."""
    model, graphs = opened(content)
    found = [] if len(graphs) == 1 else [f"{len(graphs)} subgraphs, but only one can be compiled"]
    for graph in graphs:
        for number, entry in enumerate(graph.operators):
            operator = _Operator(model, graph, entry)
            name = f" ({operator.name})" if operator.name else ""
            found += [f"operator {number}, {operator.kind}{name}: {reason}" for reason in _reasons(operator)]
    return found


def expect_edge_tpu(content: bytes, where: str) -> None:
    """ConversionError that lists the incompatibilities of the file, if there are any."""
    found = incompatibilities(content)
    if found:
        raise ConversionError(
            f"{where}: expected a model that compiles entirely for the Edge TPU, found {len(found)} "
            f"incompatibilities: {'; '.join(found)}; no bundle was written; change these layers, or export "
            "without the Edge TPU"
        )


def _reasons(operator: _Operator) -> Iterator[str]:
    if operator.kind not in _WITHOUT_LIMITS and operator.kind not in _LIMITS:
        yield "the compiler does not support it"
        return
    newest = _NEWEST_VERSIONS.get(operator.kind)
    if newest is not None and operator.version > newest:
        yield f"version {operator.version}, but the compiler supports versions up to {newest}"
    computed = [tensor for tensor in operator.inputs if operator.constant(tensor) is None]
    types = dict.fromkeys(TYPE_NAMES[tensor.type] for tensor in [*computed, *operator.outputs])
    others = [name for name in types if name not in _EIGHT_BITS]
    if others:
        yield f"it computes in {', '.join(others)}, not in 8-bit integers"
    yield from _shape_reasons([*computed, *operator.outputs])
    if operator.kind in _WITH_PARAMETERS and any(tensor in computed for tensor in operator.inputs[1:]):
        yield "its weights are computed at run time, but must be constants"
    limits = _LIMITS.get(operator.kind)
    if limits is not None:
        yield from limits(operator)


def _shape_reasons(tensors: Sequence[Any]) -> Iterator[str]:
    signatures = [tensor.shapeSignature for tensor in tensors if tensor.shapeSignature is not None]
    if any(size < 0 for sizes in signatures for size in sizes):
        yield "a dimension that is not known at compile time"
    large = [shape for shape in map(_shape, tensors) if any(size > 1 for size in shape[:-3])]
    if large:
        yield f"a tensor of shape {large[0]}, but only the last three dimensions may be larger than 1"


def _shape(tensor: Any) -> list[int]:
    return [] if tensor.shape is None else [int(size) for size in tensor.shape]


def _no_activation(operator: _Operator) -> Iterator[str]:
    if operator.options is not None and operator.options.fusedActivationFunction:
        yield "it has a fused activation"


def _same_dilation(operator: _Operator) -> Iterator[str]:
    width, height = operator.options.dilationWFactor, operator.options.dilationHFactor
    if width != height:
        yield f"dilation {height} × {width}, but it must be equal in both directions"


def _concatenation(operator: _Operator) -> Iterator[str]:
    yield from _no_activation(operator)
    constants = [content for content in map(operator.constant, operator.inputs) if content is not None]
    if constants and (len(operator.inputs) != 2 or any(content.any() for content in constants)):
        yield "a constant input, which is supported only as one of two inputs and if it is all zeros"


def _fully_connected(operator: _Operator) -> Iterator[str]:
    if operator.options is not None and operator.options.weightsFormat:
        yield "weights in a non-default format"
    yield from _one_row(operator, operator.outputs[0])


def _softmax(operator: _Operator) -> Iterator[str]:
    yield from _one_row(operator, operator.inputs[0])
    count = math.prod(_shape(operator.inputs[0]))
    if count > MAX_SOFTMAX_ELEMENTS:
        yield f"{count:,} elements, but at most {MAX_SOFTMAX_ELEMENTS:,} are supported"


def _one_row(operator: _Operator, tensor: Any) -> Iterator[str]:
    shape = _shape(tensor)
    if math.prod(shape[:-1]) != 1:
        yield f"a tensor of shape {shape}, but it must have a single row"


def _mean(operator: _Operator) -> Iterator[str]:
    yield from _not_over_batch(operator)
    shape = _shape(operator.inputs[0])
    axes = {axis % len(shape) for axis in operator.constant_integers(1)} if shape else set()
    if len(shape) - 1 in axes and shape[-1] % 4:
        yield f"a mean over {shape[-1]} channels, but the number of channels must be a multiple of 4"


def _not_over_batch(operator: _Operator) -> Iterator[str]:
    rank = len(_shape(operator.inputs[0]))
    if rank > 3 and any(axis % rank == 0 for axis in operator.constant_integers(1)):
        yield "it reduces over the batch dimension"


def _pad(operator: _Operator) -> Iterator[str]:
    if len(_shape(operator.inputs[0])) > 3 and any(operator.constant_integers(1)[:2]):
        yield "it pads the batch dimension"


def _split(operator: _Operator) -> Iterator[str]:
    rank = len(_shape(operator.inputs[1]))
    if rank > 3 and any(axis % rank == 0 for axis in operator.constant_integers(0)):
        yield "it splits the batch dimension"


def _pack(operator: _Operator) -> Iterator[str]:
    if len(_shape(operator.outputs[0])) > 3 and operator.options.axis == 0:
        yield "it packs along the batch dimension"


def _prelu(operator: _Operator) -> Iterator[str]:
    if any(size > 1 for size in _shape(operator.inputs[1])[:-1]):
        yield "slopes that are not per channel"


def _squeeze(operator: _Operator) -> Iterator[str]:
    shape = _shape(operator.inputs[0])
    kept = [index for index, size in enumerate(shape) if size > 1]
    if kept and 1 in shape[kept[0] :]:
        yield f"a tensor of shape {shape}, but dimensions of size 1 must all come first"


def _strided_slice(operator: _Operator) -> Iterator[str]:
    if any(stride != 1 for stride in operator.constant_integers(3)):
        yield "strides other than 1"
    if operator.options.ellipsisMask or operator.options.newAxisMask:
        yield "an ellipsis mask or a new-axis mask"


_LIMITS: dict[str, Callable[[_Operator], Iterator[str]]] = {
    "AVERAGE_POOL_2D": _no_activation,
    "CONCATENATION": _concatenation,
    "CONV_2D": _same_dilation,
    "DEPTHWISE_CONV_2D": _same_dilation,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _no_activation,
    "MEAN": _mean,
    "PACK": _pack,
    "PAD": _pad,
    "PRELU": _prelu,
    "REDUCE_MAX": _not_over_batch,
    "REDUCE_MIN": _not_over_batch,
    "SOFTMAX": _softmax,
    "SPLIT": _split,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": _strided_slice,
    "SUM": _not_over_batch,
}
"""The published restrictions per operator."""

__all__ = ["MAX_SOFTMAX_ELEMENTS", "expect_edge_tpu", "incompatibilities"]
