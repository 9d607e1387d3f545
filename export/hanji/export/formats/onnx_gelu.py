"""GELU of a TFLite file in ONNX: tf2onnx leaves it as an operation that ONNX does not have.

ONNX has Gelu from opset 20 on, which is newer than the oldest ONNX Runtime of a bundle: it is written in
terms of Erf or, for the approximation, Tanh (Hendrycks and Gimpel 2016).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

_TFL_GELU = "TFL_GELU"


def expand_gelu(graph: onnx.GraphProto) -> None:
    """Replace each GELU by operations of ONNX, in place."""
    nodes = list(graph.node)
    if not any(node.op_type == _TFL_GELU for node in nodes):
        return
    del graph.node[:]
    for index, node in enumerate(nodes):
        graph.node.extend(_expanded(graph, node, f"gelu_{index}") if node.op_type == _TFL_GELU else [node])


def _expanded(graph: onnx.GraphProto, node: Any, name: str) -> list[onnx.NodeProto]:
    """x · (1 + erf(x / √2)) / 2, or x · (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2."""
    (x,), (y,) = node.input, node.output
    nodes: list[onnx.NodeProto] = []

    def emit(op: str, *inputs: str, output: str = "") -> str:
        output = output or f"{name}/{len(nodes)}"
        nodes.append(helper.make_node(op, list(inputs), [output]))
        return output

    def number(value: float) -> str:
        constant = f"{name}/{value!r}"
        if all(tensor.name != constant for tensor in graph.initializer):
            graph.initializer.append(numpy_helper.from_array(np.float32(value), constant))
        return constant

    if any(entry.name == "approximate" and entry.i for entry in node.attribute):
        cubic = emit("Mul", emit("Mul", emit("Mul", x, x), x), number(0.044715))
        curve = emit("Tanh", emit("Mul", emit("Add", x, cubic), number(math.sqrt(2 / math.pi))))
    else:
        curve = emit("Erf", emit("Mul", x, number(math.sqrt(0.5))))
    emit("Mul", emit("Mul", x, number(0.5)), emit("Add", curve, number(1.0)), output=y)
    return nodes


__all__ = ["expand_gelu"]
