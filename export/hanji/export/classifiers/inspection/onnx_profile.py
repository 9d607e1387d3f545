"""Parameters and multiply-accumulates of an ``.onnx`` file, operator by operator."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from hanji.compression.classifiers.files.onnx_file import OnnxFile
from hanji.training.classifiers.profile_result import LayerProfile, Profile

_WEIGHTS = {
    **dict.fromkeys(("Conv", "ConvTranspose", "ConvInteger", "Gemm", "MatMul", "MatMulInteger"), 1),
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "QGemm"), 3),
}
"""Operators that multiply, and the position of the input with their second factor."""
_UNKNOWN = (
    "Attention",
    "DeformConv",
    "Einsum",
    "GRU",
    "GroupQueryAttention",
    "LSTM",
    "MultiHeadAttention",
    "RNN",
)
_PASSING = ("DequantizeLinear", "Cast", "Identity", "Transpose", "Reshape")
"""Operators between a stored weight and the operator that multiplies with it."""
_INDICES = onnx.TensorProto.INT64  # shapes, axes and the like, which are no parameters

_Shape = tuple[int, ...]


def onnx_profile(file: OnnxFile, shape: _Shape | None = None) -> Profile:
    """The profile of the graph for one input of ``shape``, without the batch axis; default: the declared one.

    ValueError if a size that is needed remains unknown.
    """
    model = onnx.ModelProto()
    model.CopyFrom(file.model)
    found = _with_input_shape(model, file.inputs[0].name, shape)
    shapes = _shapes(onnx.shape_inference.infer_shapes(model, data_prop=True).graph)
    owners, rows = _weights_of(model.graph), []
    for node in model.graph.node:
        output = shapes.get(node.output[0]) if node.output else None
        rows.append(
            LayerProfile(
                node.name or (node.output[0] if node.output else ""),
                node.op_type,
                tuple(output or ())[1:],
                sum(owners.pop(name, 0) for name in node.input),
                None if node.op_type in _UNKNOWN else _macs(node, shapes),
            )
        )
    return Profile(file.path.name, (found,), tuple(rows), None)


def _with_input_shape(model: onnx.ModelProto, name: str, shape: _Shape | None) -> tuple[int | None, ...]:
    """Set the sizes of the input, in place, a batch of 1 included; the sizes without the batch."""
    dims = next(value for value in model.graph.input if value.name == name).type.tensor_type.shape.dim
    if shape is not None and len(shape) + 1 != len(dims):
        raise ValueError(f"the input has {len(dims)} axes, the batch included, expected {len(shape) + 1}")
    for index, dim in enumerate(dims):
        if index == 0 and not dim.dim_value:
            dim.dim_value = 1
        elif index and shape is not None:
            dim.dim_value = shape[index - 1]
    return tuple(dim.dim_value or None for dim in dims[1:])


def _shapes(graph: onnx.GraphProto) -> Mapping[str, tuple[int | None, ...]]:
    """The sizes of all values; None for unknown ones."""
    shapes: dict[str, tuple[int | None, ...]] = {
        tensor.name: tuple(tensor.dims) for tensor in graph.initializer
    }
    for node in graph.node:
        if node.op_type == "Constant":
            shapes |= dict.fromkeys(node.output, _constant(node).shape)
    for value in (*graph.input, *graph.value_info, *graph.output):
        if value.type.tensor_type.HasField("shape"):
            shapes[value.name] = tuple(dim.dim_value or None for dim in value.type.tensor_type.shape.dim)
    return shapes


def _constant(node: onnx.NodeProto) -> Any:
    """The value of a Constant operator; an empty array for the kinds that no weight has."""
    found = [each.t for each in node.attribute if each.name == "value"]
    return numpy_helper.to_array(found[0]) if found else np.zeros(0, np.int64)


def _weights_of(graph: onnx.GraphProto) -> dict[str, int]:
    """The number of parameters in each constant, by the name under which an operator takes it.

    Shapes and axes are none, nor are scales and zero points.
    """
    sizes = {tensor.name: prod(tensor.dims) for tensor in graph.initializer if tensor.data_type != _INDICES}
    for node in graph.node:
        if node.op_type == "Constant" and (value := _constant(node)).dtype != np.int64:
            sizes |= dict.fromkeys(node.output, value.size)
        elif node.op_type in _PASSING and node.input[0] in sizes:
            sizes[node.output[0]] = sizes.pop(node.input[0])
    for node in graph.node:
        if node.op_type in ("DequantizeLinear", "QuantizeLinear"):
            for name in node.input[1:]:
                sizes.pop(name, None)
    return sizes


def _macs(node: onnx.NodeProto, shapes: Mapping[str, tuple[int | None, ...]]) -> int:
    """Each kernel is applied once per output position (transposed: per input position)."""
    position = _WEIGHTS.get(node.op_type)
    if position is None:
        return 0
    weights = _known(node, shapes.get(node.input[position]))
    values = _known(node, shapes.get(node.input[0]))
    result = _known(node, shapes.get(node.output[0]))
    if node.op_type == "ConvTranspose":
        return prod(values[2:]) * prod(weights)
    if "Conv" in node.op_type:
        return prod(result[2:]) * prod(weights)
    transposed = any(each.name == "transA" and each.i for each in node.attribute)
    return prod(result) * values[0 if transposed else -1]


def _known(node: onnx.NodeProto, shape: tuple[int | None, ...] | None) -> _Shape:
    sizes = tuple(size for size in shape or () if size is not None)
    if shape is None or len(sizes) < len(shape):
        raise ValueError(
            f"the size of a value of operator {node.name or node.output[0]!r} ({node.op_type}) is unknown; "
            "give the size of the image with --input"
        )
    return sizes


__all__ = ["onnx_profile"]
