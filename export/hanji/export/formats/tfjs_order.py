"""The order of a frozen graph's nodes, and a refusal of graphs that have none: loops and branches."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from tensorflow.core.framework.node_def_pb2 import NodeDef

from hanji.training.errors import ConversionError

_CONTROL_FLOW = ("Enter", "If", "Merge", "StatelessIf", "StatelessWhile", "Switch", "While")


def topological(nodes: Iterable[NodeDef]) -> list[NodeDef]:
    """The nodes, each after those it reads.

    ConversionError for control flow: TF.js would run it only asynchronously, one node at a time.
    """
    by_name = {node.name: node for node in nodes}
    for node in by_name.values():
        if node.op in _CONTROL_FLOW:
            raise ConversionError(_refusal(node.name))
    sources = {name: [source.partition(":")[0] for source in node.input] for name, node in by_name.items()}
    try:
        return [by_name[name] for name in TopologicalSorter(sources).static_order()]
    except CycleError as error:
        raise ConversionError(_refusal(str(error.args[1][0]))) from error


def _refusal(node: str) -> str:
    return (
        f"TF.js: expected a graph without loops and branches, found one at {node!r}, as recurrent layers "
        "have; build those layers with unroll=True, or export without TF.js: --formats tflite,onnx"
    )


__all__ = ["topological"]
