"""What stands in the way of a ``.tflite`` file on Google's Edge TPU.

The Edge TPU computes in whole numbers of 8 bits. Its compiler (edgetpu_compiler 16, the last one) takes the
operators of a list that Google has published (Coral's page "TensorFlow models on the Edge TPU"), each with
its limits; from the first other operator on all the rest runs on the CPU. That list is what a file is held
against here. No compiler is asked, and it has limits of size and precision that are published nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hanji.export.formats.tflite_graph import KIND_NAMES, TYPE_NAMES, Graph, opened
from hanji.training.errors import ConversionError

MOST_SOFTMAX = 16_000
"""Elements of a softmax."""

_EIGHT_BITS = ("int8", "uint8")
_NEWEST_VERSIONS = {"CONV_2D": 5, "TRANSPOSE_CONV": 3}
"""Of operators whose next version users of the compiler saw it refuse."""

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
        """The bytes of a tensor that is known when it is compiled."""
        data = self._model.buffers[tensor.buffer].data
        return None if data is None else np.asarray(data, np.uint8)

    def whole_numbers(self, index: int) -> list[int]:
        """The constant int32 input ``index``, such as axes."""
        content = self.constant(self.inputs[index])
        return [] if content is None else [int(number) for number in content.view("<i4").ravel()]


def obstacles(content: bytes) -> list[str]:
    """What stands in the way, one line each, in the operators' order; none where all can be compiled."""
    model, graphs = opened(content)
    found = [] if len(graphs) == 1 else [f"{len(graphs)} graphs in one file, where one is compiled"]
    for graph in graphs:
        for number, entry in enumerate(graph.operators):
            operator = _Operator(model, graph, entry)
            name = f" ({operator.name})" if operator.name else ""
            found += [f"operator {number}, {operator.kind}{name}: {why}" for why in _why_not(operator)]
    return found


def expect_edge_tpu(content: bytes, where: str) -> None:
    """ConversionError that names what stands in the way of the file."""
    found = obstacles(content)
    if found:
        raise ConversionError(
            f"{where}: expected a model that the Edge TPU's compiler takes whole, but {len(found)} thing(s) "
            f"stand in the way: {'; '.join(found)}; no bundle was written; change these layers, or leave the "
            "Edge TPU out"
        )


def _why_not(operator: _Operator) -> Iterator[str]:
    if operator.kind not in _WITHOUT_LIMITS and operator.kind not in _LIMITS:
        yield "it is not on the compiler's list"
        return
    newest = _NEWEST_VERSIONS.get(operator.kind)
    if newest is not None and operator.version > newest:
        yield f"version {operator.version}, of which the compiler knows {newest}"
    computed = [tensor for tensor in operator.inputs if operator.constant(tensor) is None]
    types = dict.fromkeys(TYPE_NAMES[tensor.type] for tensor in [*computed, *operator.outputs])
    others = [name for name in types if name not in _EIGHT_BITS]
    if others:
        yield f"it computes with {', '.join(others)}, not in whole numbers of 8 bits"
    yield from _why_not_shapes([*computed, *operator.outputs])
    if operator.kind in _WITH_PARAMETERS and any(tensor in computed for tensor in operator.inputs[1:]):
        yield "its weights are computed, where they must be constants"
    limits = _LIMITS.get(operator.kind)
    if limits is not None:
        yield from limits(operator)


def _why_not_shapes(tensors: Sequence[Any]) -> Iterator[str]:
    signatures = [tensor.shapeSignature for tensor in tensors if tensor.shapeSignature is not None]
    if any(size < 0 for sizes in signatures for size in sizes):
        yield "a size that is not known before it runs"
    large = [shape for shape in map(_shape, tensors) if any(size > 1 for size in shape[:-3])]
    if large:
        yield f"a tensor {large[0]}, of which only the last three sizes may be more than 1"


def _shape(tensor: Any) -> list[int]:
    return [] if tensor.shape is None else [int(size) for size in tensor.shape]


def _no_activation(operator: _Operator) -> Iterator[str]:
    if operator.options is not None and operator.options.fusedActivationFunction:
        yield "it is fused with an activation"


def _same_dilation(operator: _Operator) -> Iterator[str]:
    width, height = operator.options.dilationWFactor, operator.options.dilationHFactor
    if width != height:
        yield f"dilation {height} × {width}, which must be alike in both directions"


def _concatenation(operator: _Operator) -> Iterator[str]:
    yield from _no_activation(operator)
    constants = [content for content in map(operator.constant, operator.inputs) if content is not None]
    if constants and (len(operator.inputs) != 2 or any(content.any() for content in constants)):
        yield "a constant input, which must be one of two and all zeros"


def _fully_connected(operator: _Operator) -> Iterator[str]:
    if operator.options is not None and operator.options.weightsFormat:
        yield "weights in a format of their own"
    yield from _one_row(operator, operator.outputs[0])


def _softmax(operator: _Operator) -> Iterator[str]:
    yield from _one_row(operator, operator.inputs[0])
    count = math.prod(_shape(operator.inputs[0]))
    if count > MOST_SOFTMAX:
        yield f"{count:,} elements, where {MOST_SOFTMAX:,} are the most"


def _one_row(operator: _Operator, tensor: Any) -> Iterator[str]:
    shape = _shape(tensor)
    if math.prod(shape[:-1]) != 1:
        yield f"a tensor {shape}, which must have one row"


def _mean(operator: _Operator) -> Iterator[str]:
    yield from _not_over_images(operator)
    shape = _shape(operator.inputs[0])
    axes = {axis % len(shape) for axis in operator.whole_numbers(1)} if shape else set()
    if len(shape) - 1 in axes and shape[-1] % 4:
        yield f"the mean over {shape[-1]} channels, whose number must be a multiple of 4"


def _not_over_images(operator: _Operator) -> Iterator[str]:
    rank = len(_shape(operator.inputs[0]))
    if rank > 3 and any(axis % rank == 0 for axis in operator.whole_numbers(1)):
        yield "it goes over several pictures at once"


def _pad(operator: _Operator) -> Iterator[str]:
    if len(_shape(operator.inputs[0])) > 3 and any(operator.whole_numbers(1)[:2]):
        yield "it pads the number of pictures"


def _split(operator: _Operator) -> Iterator[str]:
    rank = len(_shape(operator.inputs[1]))
    if rank > 3 and any(axis % rank == 0 for axis in operator.whole_numbers(0)):
        yield "it splits the number of pictures"


def _pack(operator: _Operator) -> Iterator[str]:
    if len(_shape(operator.outputs[0])) > 3 and operator.options.axis == 0:
        yield "it puts several pictures together"


def _prelu(operator: _Operator) -> Iterator[str]:
    if any(size > 1 for size in _shape(operator.inputs[1])[:-1]):
        yield "slopes that are not one for each channel"


def _squeeze(operator: _Operator) -> Iterator[str]:
    shape = _shape(operator.inputs[0])
    kept = [index for index, size in enumerate(shape) if size > 1]
    if kept and 1 in shape[kept[0] :]:
        yield f"a tensor {shape}, whose sizes of 1 must all stand in front"


def _strided_slice(operator: _Operator) -> Iterator[str]:
    if any(stride != 1 for stride in operator.whole_numbers(3)):
        yield "strides other than 1"
    if operator.options.ellipsisMask or operator.options.newAxisMask:
        yield "an ellipsis or a new axis"


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
    "REDUCE_MAX": _not_over_images,
    "REDUCE_MIN": _not_over_images,
    "SOFTMAX": _softmax,
    "SPLIT": _split,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": _strided_slice,
    "SUM": _not_over_images,
}
"""What the list says of an operator beside its name."""

__all__ = ["MOST_SOFTMAX", "expect_edge_tpu", "obstacles"]
