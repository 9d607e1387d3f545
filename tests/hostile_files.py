"""Model files with operators, types or structures that no bundle may have, for the tests of every loader."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Hostile:
    """A file for the place of a good one, and what the message of its refusal contains."""

    name: str
    path: str
    content: bytes
    message: str


def hostile_onnx(content: bytes, path: str = "model.onnx") -> Iterator[Hostile]:
    """Variants of an ONNX file."""
    import onnx

    node, tensor = onnx.helper.make_node, onnx.numpy_helper.from_array
    nothing = onnx.helper.make_graph([], "nothing", [], [])

    def changed(name: str, message: str, edit: Callable[[Any], object]) -> Hostile:
        model = onnx.ModelProto.FromString(content)
        edit(model)
        return Hostile(name, path, model.SerializeToString(), message)

    def added(name: str, message: str, *nodes: Any) -> Hostile:
        return changed(name, message, lambda model: model.graph.node.extend(nodes))

    yield added("loop", "the operator Loop,", node("Loop", ["", ""], ["l"], body=nothing))
    yield added("branch", "the operator If,", node("If", ["c"], ["i"], then_branch=nothing))
    yield added("random", "the operator RandomNormal,", node("RandomNormal", [], ["r"], shape=[1]))
    yield added("domain", "the operator evil.Relu,", node("Relu", ["a"], ["b"], domain="evil"))
    yield added("graph", "a graph in an operator,", node("Relu", ["a"], ["b"], body=nothing))
    yield added("graphs", "graphs in an operator,", node("Relu", ["a"], ["b"], bodies=[nothing]))
    yield added("left out", "an input of Max is left out;", node("Max", ["a", ""], ["m"]))
    for axis in (2**63 - 1, -(2**63)):
        yield added("axis", "more than 32 bits;", node("Gather", ["a", "i"], ["g"], axis=axis))
    yield added(
        "large",
        "ConstantOfShape makes 1,000,000,000 elements, more than 268,435,456",
        node("Constant", [], ["size"], value=tensor(np.array([1000, 1000, 1000]))),
        node("ConstantOfShape", ["size"], ["many"]),
    )
    function = onnx.helper.make_function("d", "f", [], [], [], [])
    yield changed("function", "a function,", lambda model: model.functions.append(function))
    text = onnx.TensorProto.STRING
    yield changed(
        "text output",
        "it computes with text,",
        lambda model: setattr(model.graph.output[0].type.tensor_type, "elem_type", text),
    )
    yield changed(
        "text constant",
        "it computes with text,",
        lambda model: model.graph.initializer.append(onnx.helper.make_tensor("t", text, [1], [b"a"])),
    )
    yield changed(
        "sequence",
        "a sequence,",
        lambda model: model.graph.output[0].type.sequence_type.elem_type.tensor_type.CopyFrom(
            onnx.helper.make_tensor_type_proto(1, [1]).tensor_type
        ),
    )
    yield Hostile("cut", path, content[:-1], path)


def hostile_tflite(content: bytes, path: str = "model.tflite") -> Iterator[Hostile]:
    """Variants of a .tflite file."""
    from ai_edge_litert import schema_py_generated as schema

    kinds, text = schema.BuiltinOperator, schema.TensorType.STRING
    for name, message, part, values in (
        ("custom", "the operator CUSTOM run_code,", "code", _kind(kinds.CUSTOM, b"run_code")),
        ("edge tpu", "CUSTOM edgetpu-custom-op,", "code", _kind(kinds.CUSTOM, b"edgetpu-custom-op")),
        ("while", "the operator WHILE,", "code", _kind(kinds.WHILE)),
        ("variable", "the operator VAR_HANDLE,", "code", _kind(kinds.VAR_HANDLE)),
        ("unknown", "the operator 999,", "code", _kind(999)),
        ("large", "a tensor of 1,073,741,824 elements,", "tensor", {"shape": [2**15, 2**15]}),
        ("text", "it computes with text,", "tensor", {"type": text}),
        ("buffer", "expected an index below", "tensor", {"buffer": 999}),
        ("kind", "expected an index below", "operator", {"opcodeIndex": 999}),
        ("index", "expected an index below", "operator", {"inputs": [99999]}),
        ("left out", "found -1", "operator", {"inputs": [-1, -1]}),
        ("order", "is read before it is computed", "graph", {"operators": []}),
        ("no outputs", "a graph has no outputs", "graph", {"outputs": []}),
        ("graphs", "graphs for", "model", {"signatureDefs": []}),
        ("signature", "expected an index below", "signature", {"subgraphIndex": 9}),
        ("output", "expected an index below", "end", {"tensorIndex": 2**31}),
        ("few inputs", "tensors of operator 45 are missing", "code", _kind(kinds.STRIDED_SLICE)),
        ("split", "tensors of operator 49 are missing", "code", _kind(kinds.SPLIT)),
        ("no output", "tensors of operator", "operator", {"outputs": []}),
    ):
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
        graph = model.subgraphs[0]
        parts = {"model": model, "graph": graph, "code": model.operatorCodes[-1]}
        parts |= {"tensor": graph.tensors[-1], "operator": graph.operators[-1]}
        signature = model.signatureDefs[0]
        parts |= {"signature": signature, "end": signature.outputs[0]}
        for key, value in values.items():
            setattr(parts[part], key, value)
        yield Hostile(name, path, packed(model), message)
    for name, message, scales in (
        ("no scale", "a table is missing", (1.0, None, 1.0)),
        ("zero", "a tensor has no usable scale", (1.0, 0.0, 1.0)),
        ("infinite", "a tensor has no usable scale", (math.inf, 1.0, 1.0)),
        ("not a number", "a tensor has no usable scale", (1.0, 1.0, math.nan)),
        ("ratio", "a tensor has no usable scale", (1.0, 1.0, 2.0**-14)),
    ):
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
        add_sum(model, scales)
        yield Hostile(name, path, packed(model), message)
    yield Hostile("offset", path, struct.pack("<I", 2**31) + content[4:], path)
    yield Hostile("cut", path, content[: len(content) // 2], path)


def _kind(kind: int, custom: bytes | None = None) -> dict[str, Any]:
    """The fields of an operator code."""
    return {"builtinCode": kind, "deprecatedBuiltinCode": min(kind, 127), "customCode": custom}


def packed(model: Any) -> bytes:
    """The .tflite file of a model in LiteRT's object API."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def add_sum(model: Any, scales: Sequence[float | None]) -> None:
    """Add the sum of two empty tensors of int8; the scales are those of both and of the sum."""
    from ai_edge_litert import schema_py_generated as schema

    graph, code, operator = model.subgraphs[0], schema.OperatorCodeT(), schema.OperatorT()
    model.operatorCodes.append(code)  # its kind is 0, ADD
    operator.opcodeIndex = len(model.operatorCodes) - 1
    first = len(graph.tensors)
    operator.inputs, operator.outputs = [first, first + 1], [first + 2]
    graph.operators.append(operator)
    for scale in scales:
        tensor = schema.TensorT()
        tensor.shape, tensor.type = [0], schema.TensorType.INT8
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [scale]
        graph.tensors.append(tensor)


def hostile_tfjs(content: bytes, path: str = "tfjs/model.json") -> Iterator[Hostile]:
    """Variants of the description of a TF.js graph model."""

    def changed(name: str, message: str, edit: Callable[[Any], object]) -> Hostile:
        model = json.loads(content)
        edit(model)
        return Hostile(name, path, json.dumps(model).encode(), message)

    def with_operator(operator: str) -> Callable[[Any], None]:
        return lambda model: model["modelTopology"]["node"][-1].update(op=operator)

    for operator in ("While", "RandomUniform", "HashTableV2", "NoSuchOperator"):
        yield changed(operator, f"the operator {operator},", with_operator(operator))
    library = {"function": [{"signature": {"name": "f"}}]}
    yield changed("function", "a function,", lambda model: model["modelTopology"].update(library=library))
    yield changed("weights", "expected", lambda model: model.update(weightsManifest="none"))


def write_hostile(bundle: Path, target: Path) -> None:
    """Write the variants of the model files in ``bundle`` as JSON, for the tests of the ports."""
    makers = {"model.onnx": hostile_onnx, "model.tflite": hostile_tflite, "tfjs/model.json": hostile_tfjs}
    found = [each for path, make in makers.items() for each in make((bundle / path).read_bytes(), path)]
    table = [
        {"name": each.name, "path": each.path, "message": each.message, "content": _base64(each.content)}
        for each in found
    ]
    target.write_text(json.dumps(table), encoding="utf-8")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


__all__ = [
    "Hostile",
    "add_sum",
    "hostile_onnx",
    "hostile_tfjs",
    "hostile_tflite",
    "packed",
    "write_hostile",
]
