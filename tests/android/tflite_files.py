"""Model files that tell what TensorFlow Lite supports."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from hanji.export.formats.tflite import tensor_names
from hanji.export.formats.tflite_graph import opened, packed
from hanji.export.formats.tflite_runtime import TENSORFLOW_LITE_VERSIONS


def operator_files() -> list[dict[str, Any]]:
    """Files with one operator each, in the newest version that the export lists and in the next one."""
    return [
        {"name": f"{name} {version + later}", "supported": not later, "content": _text(content)}
        for name, version in TENSORFLOW_LITE_VERSIONS.items()
        for later, content in enumerate(_files(name, version))
    ]


def without_signatures(path: Path, signature: str) -> dict[str, str]:
    """A file without its signatures, and the names of the tensors that were its input and output."""
    content = path.read_bytes()
    names = list(tensor_names(content, signature))
    model, _ = opened(content)
    model.signatureDefs = None
    return {"content": _text(packed(model)), "input": names[0], "output": names[-1]}


def _files(name: str, version: int) -> Iterator[bytes]:
    for tried in (version, version + 1):
        yield _with_one_operator(getattr(schema.BuiltinOperator, name), tried)


def _with_one_operator(kind: int, version: int) -> bytes:
    model, code, graph, operator = (
        schema.ModelT(),
        schema.OperatorCodeT(),
        schema.SubGraphT(),
        schema.OperatorT(),
    )
    code.builtinCode, code.deprecatedBuiltinCode, code.version = kind, min(kind, 127), version
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    graph.tensors, graph.operators = [_tensor("in"), _tensor("out")], [operator]
    graph.inputs, graph.outputs = [0], [1]
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT()]
    return packed(model)


def _tensor(name: str) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name, [1], 0
    return tensor


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


__all__ = ["operator_files", "without_signatures"]
