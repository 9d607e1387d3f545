"""The list of operators that a model file in a bundle may contain, and the refusal of others by export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tensorflow.lite.python import schema_py_generated as schema

from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.onnx_file import OnnxFile
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.export.bundle.operators import expect_known_operators
from hanji.export.classifiers.wrap.wrap import wrap_model
from hanji.export.formats.operator_lists import (
    kotlin_onnx_code,
    kotlin_tflite_code,
    operator_lists,
    python_code,
)
from hanji.export.formats.tflite_graph import KIND_NAMES
from hanji.training.errors import ConversionError
from hanji.training.settings import settings_from

from ...hostile_files import hostile_onnx, hostile_tfjs

ROOT = Path(__file__).parents[3]
GENERATED = {
    "runtime/hanji/runtime/engines/operators.py": python_code,
    "android_demo/core/src/main/kotlin/hanji/engines/OnnxOperators.kt": kotlin_onnx_code,
    "android_demo/core/src/main/kotlin/hanji/engines/TfliteOperators.kt": kotlin_tflite_code,
}


@pytest.mark.parametrize("path", GENERATED)
def test_the_loaders_have_the_list(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == GENERATED[path](), "run: make operators"


def test_every_operator_of_tflite_is_allowed_or_refused_by_its_name() -> None:
    lists = operator_lists()
    numbers = {**lists["tflite"], **lists["tflite_refused"]}
    assert len(numbers) == len(lists["tflite"]) + len(lists["tflite_refused"])
    assert sorted(numbers.values()) == list(range(max(lists["tflite"].values()) + 1))
    assert {number: name for name, number in numbers.items()}.items() <= KIND_NAMES.items()


def test_operators_of_onnx_exist_and_have_no_graphs_or_other_types() -> None:
    known = {found.name for found in onnx.defs.get_all_schemas_with_history() if not found.domain}
    names = operator_lists()["onnx"]["ai.onnx"]
    assert set(names) <= known
    assert list(names) == sorted(set(names))
    graphs = onnx.defs.OpSchema.AttrType.GRAPH
    for found in onnx.defs.get_all_schemas():
        if not found.domain and found.name in names:
            assert not [each for each in found.attributes.values() if each.type == graphs], found.name
            outputs = [kind for output in found.outputs for kind in output.types]
            assert any(kind.startswith("tensor(") for kind in outputs), found.name


def classifier(*nodes: Any, initializers: Any = ()) -> bytes:
    """The mean of each channel, or these nodes, as ONNX."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes) or [helper.make_node("ReduceMean", ["x"], ["y"], axes=[1, 2], keepdims=0)],
        "network",
        [value("x", TensorProto.FLOAT, [1, 4, 4, 3])],
        [value("y", TensorProto.FLOAT, [1, 3])],
        list(initializers),
    )
    opsets = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def with_branch() -> bytes:
    """A valid model that computes its mean in a branch."""
    mean = helper.make_node("ReduceMean", ["x"], ["m"], axes=[1, 2], keepdims=0)
    end = helper.make_tensor_value_info("m", TensorProto.FLOAT, [1, 3])
    branch = helper.make_graph([mean], "branch", [], [end])
    choice = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
    return classifier(choice, initializers=[numpy_helper.from_array(np.array(True), "yes")])


def wrapped(path: Path, content: bytes, out: Path) -> str:
    """The message of the error that wrapping a file ends with."""
    path.write_bytes(content)
    labels = ClassNames("labels.txt", ("red", "green", "blue"))
    settings = settings_from(WrapSettings, {"scale": 1 / 255, "gives": "logits"}, "test")
    with pytest.raises(ConversionError) as error:
        wrap_model(path, out, labels=labels, settings=settings)
    assert not out.exists()
    return str(error.value)


def test_a_foreign_file_is_refused_before_it_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OnnxFile, "run", None)
    path = tmp_path / "model.onnx"
    found = wrapped(path, with_branch(), tmp_path / "bundle")
    assert found.startswith(f"{path}: it contains the operator If, which no bundle may;")
    for file in hostile_onnx(classifier()):
        if file.name in ("random", "text constant"):  # ONNX Runtime refuses the others itself
            assert file.message in wrapped(path, file.content, tmp_path / "bundle")


def test_a_tfjs_model_is_refused() -> None:
    model: dict[str, Any] = {"modelTopology": {"node": [{"name": "x", "op": "Placeholder"}], "library": {}}}
    content = json.dumps(model).encode()
    expect_known_operators("tfjs", {"tfjs/model.json": content, "tfjs/group1-shard1of1.bin": b""})
    for file in hostile_tfjs(content):
        if "operator" in file.message:
            with pytest.raises(ConversionError, match=rf"tfjs/model\.json: it contains {file.message}"):
                expect_known_operators("tfjs", {file.path: file.content})


def test_a_loop_says_how_to_avoid_it() -> None:
    codes = [schema.OperatorCodeT()]
    codes[0].builtinCode, codes[0].deprecatedBuiltinCode = schema.BuiltinOperator.WHILE, 119
    model = schema.ModelT()
    model.operatorCodes = codes
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(ConversionError, match=r"my\.tflite: .* operator WHILE, .*recurrent .* unroll=True"):
        expect_known_operators("tflite", {"model.tflite": bytes(builder.Output())}, "my.tflite")
