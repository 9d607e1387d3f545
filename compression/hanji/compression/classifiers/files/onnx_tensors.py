"""Reads what an ONNX graph declares about its inputs and outputs.

ONNX has no quantized tensors: the scale and the zero point of an integer input are in the DequantizeLinear
that takes it, those of an output in the QuantizeLinear that gives it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from hanji.runtime.manifest import Tensor

_NO_NUMPY = {
    onnx.TensorProto.BFLOAT16: "bfloat16",
    onnx.TensorProto.STRING: "string",
    onnx.TensorProto.UNDEFINED: "sequence or map",
}
"""Names of types that numpy does not have."""


def declared_inputs(graph: onnx.GraphProto) -> tuple[Tensor, ...]:
    """The inputs that are not weights."""
    weights = {tensor.name for tensor in graph.initializer}
    found = []
    for value in graph.input:
        if value.name not in weights:
            users = [node for node in graph.node if value.name in node.input]
            are_quantized = bool(users) and all(node.op_type == "DequantizeLinear" for node in users)
            found.append(_tensor(value, graph, users[0] if are_quantized else None))
    return tuple(found)


def declared_outputs(graph: onnx.GraphProto) -> tuple[Tensor, ...]:
    """The outputs."""
    makers = {name: node for node in graph.node if node.op_type == "QuantizeLinear" for name in node.output}
    return tuple(_tensor(value, graph, makers.get(value.name)) for value in graph.output)


def _tensor(value: onnx.ValueInfoProto, graph: onnx.GraphProto, quantizer: onnx.NodeProto | None) -> Tensor:
    kind = value.type.tensor_type
    dtype = _NO_NUMPY.get(kind.elem_type)
    if dtype is None:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type)).name
    shape: tuple[int | None, ...] = (None,) * 4
    if kind.HasField("shape"):
        shape = tuple(_size(size) for size in kind.shape.dim)
    scale, zero_point = (None, None) if quantizer is None else _quantization(graph, quantizer)
    return Tensor(value.name, dtype, shape, scale, zero_point)


def _size(size: Any) -> int | None:
    """A declared size; -1 is another way of writing a symbolic one."""
    return int(size.dim_value) if size.HasField("dim_value") and size.dim_value >= 0 else None


def _quantization(graph: onnx.GraphProto, node: onnx.NodeProto) -> tuple[float | None, int | None]:
    """The constant scale and zero point of a node for the whole tensor; None if they are none."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants |= {
        other.output[0]: attribute.t
        for other in graph.node
        if other.op_type == "Constant"
        for attribute in other.attribute
        if attribute.name == "value"
    }
    names = [name for name in node.input[1:3] if name]
    values = [numpy_helper.to_array(constants[name]) for name in names if name in constants]
    if len(values) != len(names) or any(value.size != 1 for value in values):
        return None, None
    return float(values[0].ravel()[0]), int(values[1].ravel()[0]) if len(values) > 1 else 0


__all__ = ["declared_inputs", "declared_outputs"]
