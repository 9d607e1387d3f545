"""The operators of an ``.onnx`` or ``.tflite`` file, and those that follow its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ai_edge_litert.tools import flatbuffer_utils

from hanji.compression.classifiers.files.onnx_file import OnnxFile
from hanji.compression.classifiers.files.original import OriginalModel
from hanji.export.classifiers.inspection.ends import scales

_NEUTRAL = (
    *("cast", "identity", "transpose", "quantize", "dequantize", "quantizelinear", "dequantizelinear"),
    *("reshape", "flatten", "squeeze", "unsqueeze"),
)
NEAR = 4
"""Operators at an end that are looked at."""

Node = tuple[str, tuple[Any, ...], tuple[Any, ...]]
"""The kind of an operator, and the names of its inputs and outputs."""


def nodes_of(model: OriginalModel) -> tuple[list[Node], tuple[Any, Any]]:
    """The operators in their order, and the names of the input and the output."""
    return _onnx_nodes(model) if isinstance(model, OnnxFile) else _tflite_nodes(model)


def _onnx_nodes(model: OnnxFile) -> tuple[list[Node], tuple[Any, Any]]:
    graph = model.model.graph
    nodes = [
        (node.op_type, tuple(node.input), tuple(node.output))
        for node in graph.node
        if node.op_type != "Constant"
    ]
    return nodes, (model.inputs[0].name, graph.output[0].name)


def _tflite_nodes(model: OriginalModel) -> tuple[list[Node], tuple[Any, Any]]:
    unpacked = flatbuffer_utils.read_model_from_bytearray(bytearray(model.content))
    graph = unpacked.subgraphs[0]
    nodes = [
        (
            str(flatbuffer_utils.opcode_to_name(unpacked, each.opcodeIndex) or "custom"),
            tuple(map(int, each.inputs)),
            tuple(map(int, each.outputs)),
        )
        for each in graph.operators
    ]
    return nodes, (int(graph.inputs[0]), int(graph.outputs[0]))


def following(nodes: Sequence[Node], tensor: Any) -> list[str]:
    """The kinds of the operators that only scale or move ``tensor``, up to the first other one."""
    found: list[str] = []
    while len(found) < NEAR:
        readers = [node for node in nodes if tensor in node[1]]
        if len(readers) != 1 or not (scales(readers[0][0]) or is_neutral(readers[0][0])):
            return found
        kind, _, outputs = readers[0]
        found.append(kind)
        tensor = outputs[0]
    return found


def is_neutral(kind: str) -> bool:
    """Whether an operator only moves or casts values."""
    return kind.lower().replace("_", "") in _NEUTRAL


__all__ = ["NEAR", "Node", "following", "is_neutral", "nodes_of"]
