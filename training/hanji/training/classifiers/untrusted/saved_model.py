"""Checks a SavedModel before TensorFlow loads it: every operator of its graphs has to be known.

A graph is a program that can read and write files and call Python. Operators that save and restore variables
write and read files as well; every SavedModel contains them, in functions that only the loader's own entries
call, and nowhere else are they allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from hanji.training.classifiers.untrusted.tensorflow_operators import (
    CALLS,
    CHECKPOINT_OPERATORS,
    OPERATORS,
)
from hanji.training.classifiers.untrusted.trust import trusts_code
from hanji.training.errors import DataError
from hanji.training.regular_files import regular_file

_FILE = "saved_model.pb"
_ONLY_THE_LOADER = "reads or writes a checkpoint, which only the loader may do"
_WAY_OUT = "export the model without it, or, if you trust whoever made it, add --trust-code"
_INITIALIZERS = ("saved_model_main_op", "legacy_init_op")
"""Collections of TensorFlow 1 whose nodes run when the model is loaded."""


def expect_known_saved_model(directory: Path) -> None:
    """DataError, naming function, node and operator, for a SavedModel with an operator that is not known.

    Also for one that saves or restores a checkpoint in what a model computes.
    """
    if trusts_code():
        return
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString(regular_file(directory / _FILE).read_bytes())
    except (OSError, DecodeError) as error:
        raise DataError(f"{directory}: not a SavedModel that can be read ({error})") from None
    for graph in model.meta_graphs:
        _check_graph(graph, str(directory))


def _check_graph(meta_graph: Any, where: str) -> None:
    functions = {each.signature.name: each.node_def for each in meta_graph.graph_def.library.function}
    known = OPERATORS | CHECKPOINT_OPERATORS | set(functions)
    for function, nodes in {"": meta_graph.graph_def.node, **functions}.items():
        unknown = (node for node in nodes if node.op not in known)
        _refuse(where, function, unknown, "may read or write files or run code")
    saver = _reaching_checkpoints(functions)
    entries = _ancestors(meta_graph, _entries(meta_graph))
    for function, nodes in {"": entries, **functions}.items():
        if function not in saver:
            found = (node for node in nodes if node.op in CHECKPOINT_OPERATORS or _called(node) & saver)
            _refuse(where, function, found, _ONLY_THE_LOADER)
    restoring = _ancestors(meta_graph, [meta_graph.saver_def.restore_op_name])
    _refuse(where, "", (node for node in restoring if node.op == "SaveV2"), _ONLY_THE_LOADER)
    for name in sorted(saver & set(meta_graph.object_graph_def.concrete_functions)):
        raise DataError(f"{where}: the function {name!r} {_ONLY_THE_LOADER}; {_WAY_OUT}")


def _refuse(where: str, function: str, nodes: Iterable[Any], reason: str) -> None:
    """DataError for the first of ``nodes``, if there is one."""
    for node in nodes:
        place = f"function {function!r}, " if function else ""
        raise DataError(f"{where}: {place}node {node.name!r}: the operator {node.op} {reason}; {_WAY_OUT}")


def _reaching_checkpoints(functions: Mapping[str, Any]) -> set[str]:
    """The functions that save or restore, or that call one that does."""
    found = {
        name for name, nodes in functions.items() if any(node.op in CHECKPOINT_OPERATORS for node in nodes)
    }
    while True:
        more = {
            name
            for name, nodes in functions.items()
            if name not in found and any(_called(node) & found for node in nodes)
        }
        if not more:
            return found
        found |= more


def _entries(meta_graph: Any) -> list[str]:
    """The nodes of the main graph that run when the model is called or initialized."""
    outputs = [tensor.name for each in meta_graph.signature_def.values() for tensor in each.outputs.values()]
    return outputs + [
        name for key in _INITIALIZERS for name in meta_graph.collection_def[key].node_list.value
    ]


def _ancestors(meta_graph: Any, entries: Iterable[str]) -> list[Any]:
    """The nodes of the main graph that run for ``entries``, names of nodes or tensors."""
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    pending, found = [_node_name(entry) for entry in entries], {}
    while pending:
        name = pending.pop()
        if name in nodes and name not in found:
            found[name] = nodes[name]
            pending += [_node_name(given) for given in nodes[name].input]
    return list(found.values())


def _node_name(tensor: str) -> str:
    return tensor.removeprefix("^").split(":")[0]


def _called(node: Any) -> set[str]:
    """The functions that a node calls, by its operator or by its attributes."""
    names = {node.op} if node.op not in CALLS else set()
    for value in node.attr.values():
        names |= {each.name for each in _functions_of(value)}
    return names


def _functions_of(value: Any) -> Iterable[Any]:
    return [value.func] if value.HasField("func") else value.list.func


__all__ = ["expect_known_saved_model"]
