"""The operators of an ONNX graph that have weights, and these weights in int8."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

_CHANNEL_AXIS = {"Conv": 0, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1}
"""Operators with a kernel as their second input, and the axis of its output channels."""

_MAX_LEVEL = 127


def layers_with_weights(graph: Any) -> tuple[str, ...]:
    """The names of the operators with a constant float32 kernel, in execution order."""
    kernels = {each.name for each in graph.initializer if each.data_type == onnx.TensorProto.FLOAT}
    return tuple(
        node.name for node in graph.node if node.op_type in _CHANNEL_AXIS and node.input[1] in kernels
    )


def weights_quantized(model: Any, layers: Collection[str], per_channel: bool) -> bytes:
    """``model`` with the kernels of ``layers`` as int8, each followed by a DequantizeLinear.

    A scale is the largest absolute value of an output channel, or of the kernel, divided by 127.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    kernels = {tensor.name: tensor for tensor in graph.initializer}
    used = {}
    for node in [node for node in graph.node if node.name in layers]:
        name = node.input[1]
        axis = _axis(node) if per_channel else None
        if (name, axis) not in used:
            used[name, axis] = _add_dequantized(graph, kernels[name], axis)
        node.input[1] = used[name, axis]
    still_used = {name for node in graph.node for name in node.input}
    for name, _ in used:
        if name not in still_used:
            graph.initializer.remove(kernels[name])
    onnx.checker.check_model(changed)
    return bytes(changed.SerializeToString())


def _axis(node: Any) -> int:
    """The axis of the output channels in the kernel of ``node``."""
    transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    return 0 if transposed else _CHANNEL_AXIS[node.op_type]


def _add_dequantized(graph: Any, kernel: Any, axis: int | None) -> str:
    """Add int8 values, scale and DequantizeLinear for ``kernel``; the name of the dequantized kernel."""
    values = numpy_helper.to_array(kernel)
    others = None if axis is None else tuple(other for other in range(values.ndim) if other != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    scale = np.where(largest > 0.0, largest / _MAX_LEVEL, 1.0).astype(np.float32)
    levels = np.round(values / scale).astype(np.int8)
    base = f"{kernel.name}_{'tensor' if axis is None else axis}"
    scales = scale.reshape(-1) if axis is not None else scale.reshape(())
    graph.initializer.extend(
        [numpy_helper.from_array(levels, f"{base}_int8"), numpy_helper.from_array(scales, f"{base}_scale")]
    )
    attributes = {} if axis is None else {"axis": axis}
    name = f"{base}_dequantized"
    graph.node.insert(
        0,
        helper.make_node(
            "DequantizeLinear", [f"{base}_int8", f"{base}_scale"], [name], name=name, **attributes
        ),
    )
    return name


__all__ = ["layers_with_weights", "weights_quantized"]
