"""Simplifies the QDQ graph that tf2onnx makes of an integer TFLite file, so that ONNX Runtime can fuse more.

ONNX Runtime computes in integers where DequantizeLinear → operation → QuantizeLinear follow each other
directly. All edits here are bit-exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

_RESHAPES = ("Reshape", "Squeeze", "Transpose", "Unsqueeze")
_BOUNDS = {"Relu": (0.0, np.inf)}


def simplify_qdq(graph: onnx.GraphProto) -> None:
    """Drop clipping that the next quantization implies, and move reshapes after dequantization, in place."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in list(graph.node):
        users = _users(graph, node)
        if node.op_type in ("Clip", "Relu") and _is_bounded_by(node, users, constants):
            for user in users:
                user.input[0] = node.input[0]
            graph.node.remove(node)
    for node in list(graph.node):
        if node.op_type in _RESHAPES and _producer(graph, node.input[0], "QuantizeLinear"):
            _move_after_dequantize(graph, node)


def _is_bounded_by(node: Any, users: list[Any], constants: dict[str, npt.NDArray[Any]]) -> bool:
    low, high = _BOUNDS.get(node.op_type) or tuple(
        float(constants[name]) if name in constants else np.nan for name in [*node.input[1:], "", ""][:2]
    )
    return bool(users) and all(_rounds_within(user, low, high, constants) for user in users)


def _rounds_within(user: Any, low: float, high: float, constants: dict[str, npt.NDArray[Any]]) -> bool:
    """Whether ``low`` and ``high`` quantize to the limits of the integer range, like all values beyond."""
    if user.op_type != "QuantizeLinear" or any(name not in constants for name in user.input[1:]):
        return False
    scale, zero_point = (constants[name] for name in user.input[1:3])
    limits = np.iinfo(zero_point.dtype)
    found = np.rint(np.array([low, high], np.float32) / scale) + zero_point
    return bool(found[0] <= limits.min and found[1] >= limits.max)


def _move_after_dequantize(graph: onnx.GraphProto, node: Any) -> None:
    """Turn Quantize → node → Dequantize into Quantize → Dequantize → node."""
    users = _users(graph, node)
    if not users or any(user.op_type != "DequantizeLinear" for user in users):
        return
    if any(entry.name == "axis" for user in users for entry in user.attribute):
        return
    stored, first = node.input[0], users[0].output[0]
    for other in users[1:]:
        for further in _users(graph, other):
            further.input[:] = [first if name == other.output[0] else name for name in further.input]
        graph.node.remove(other)
    wide = f"{first}/wide"
    users[0].input[0], users[0].output[0] = stored, wide
    node.input[0], node.output[0] = wide, first
    moved = onnx.NodeProto()
    moved.CopyFrom(node)
    graph.node.remove(node)
    graph.node.insert(list(graph.node).index(users[0]) + 1, moved)


def _users(graph: onnx.GraphProto, node: Any) -> list[Any]:
    return [user for user in graph.node if set(user.input) & set(node.output)]


def _producer(graph: onnx.GraphProto, name: str, kind: str) -> bool:
    return any(name in node.output and node.op_type == kind for node in graph.node)


__all__ = ["simplify_qdq"]
