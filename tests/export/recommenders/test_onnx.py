"""ONNX: one file per signature, the weights of the TFLite file, exact names, deterministic output."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from hanji.export.formats.onnx import IR_VERSION, OPSET
from hanji.export.formats.onnx_graph import canonical
from hanji.export.recommenders.formats.onnx import convert_onnx

TABLES = {(120, 12), (200, 12), (120, 8), (200, 8), (200, 16)}  # the last one: precomputed, under float16


def weights(content: bytes) -> list[np.ndarray]:
    return [numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(content).graph.initializer]


@pytest.mark.parametrize(
    ("signature", "inputs"), [("catalogue", {"user": [1]}), ("pairs", {"user": ["batch"], "item": ["batch"]})]
)
def test_names_types_and_shapes(compressed: Any, signature: str, inputs: dict[str, Any]) -> None:
    session = onnxruntime.InferenceSession(convert_onnx(compressed("ncf").model, 200, "float32", signature))
    assert {value.name: (value.type, value.shape) for value in session.get_inputs()} == {
        name: ("tensor(int32)", shape) for name, shape in inputs.items()
    }
    (output,) = session.get_outputs()
    assert (output.name, output.type) == ("scores", "tensor(float)")
    assert output.shape == ([200] if signature == "catalogue" else ["batch"])


@pytest.mark.parametrize(
    ("scheme", "dtype"), [("float32", "f4"), ("float16", "f2"), ("dynamic", "i1"), ("int8", "i1")]
)
def test_tables_are_stored_once_in_the_dtype_of_the_scheme(bundle: Any, scheme: str, dtype: str) -> None:
    content = (bundle("neumf", scheme).path / "pairs.onnx").read_bytes()
    tables = [values for values in weights(content) if values.shape in TABLES and values.size >= 1024]
    everything = [values for values in weights(content) if values.shape in TABLES]
    assert len(everything) == 4
    assert tables
    assert {values.dtype for values in tables} == {np.dtype(dtype)}


def test_the_versions_are_supported_by_old_onnxruntime_releases(bundle: Any) -> None:
    model = onnx.load(bundle("neumf", "int8").path / "model.onnx")
    assert (model.ir_version, IR_VERSION) == (8, 8)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", OPSET)]


def test_a_second_conversion_gives_the_same_bytes(compressed: Any, bundle: Any) -> None:
    content = (bundle("neumf", "int8").path / "model.onnx").read_bytes()
    assert convert_onnx(compressed("neumf", "int8").model, 200, "int8", "catalogue") == content


def test_canonical_deduplicates_weights_and_drops_unused_nodes() -> None:
    one = np.ones(3, np.float32)
    nodes = [
        helper.make_node("Add", ["in:0", "b__7"], ["out:0"]),
        helper.make_node("Add", ["x", "a__3"], ["in:0"]),
        helper.make_node("Neg", ["x"], ["unused"]),
    ]
    value = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [3]) for name in ("x", "out:0")]
    equal = [numpy_helper.from_array(one, name) for name in ("a__3", "b__7")]
    model = canonical(
        helper.make_model(helper.make_graph(nodes, "g", value[:1], value[1:], equal)),
        {"x": "x", "out:0": "y"},
    )
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["Add", "Add"]
    assert len(model.graph.initializer) == 1
    assert model.graph.output[0].name == "y"
