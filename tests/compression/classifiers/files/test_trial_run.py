"""Model files that crash or occupy their engine: they are run in another process first."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hanji.compression.classifiers.files import read_model_file as reading
from hanji.compression.classifiers.files.read_model_file import read_model_file
from hanji.training.child import call_in_child
from hanji.training.errors import ConversionError

from .networks import SIZE, onnx_file


@pytest.fixture(autouse=True)
def _trial_runs(_no_trial_runs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "call_in_child", call_in_child)


def endless_model() -> bytes:
    """A loop of 2⁶² iterations, whose condition stays true."""
    scalar = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["more"]),
            helper.make_node("Identity", ["state"], ["next"]),
        ],
        "body",
        [
            scalar("count", TensorProto.INT64, []),
            scalar("go_on", TensorProto.BOOL, []),
            scalar("state", TensorProto.FLOAT, []),
        ],
        [scalar("more", TensorProto.BOOL, []), scalar("next", TensorProto.FLOAT, [])],
    )
    loop = helper.make_node("Loop", ["many", "yes", "zero"], ["value"], body=body)
    zero = np.array(0, np.float32)
    return model_of([loop], {"many": np.array(2**62), "yes": np.array(True), "zero": zero})


def large_model() -> bytes:
    """A constant of 16 GB, written in a few bytes."""
    one = numpy_helper.from_array(np.ones(1, np.float32))
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["large"], value=one),
        helper.make_node("ReduceSum", ["large"], ["value"], keepdims=0),
    ]
    return model_of(nodes, {"size": np.array([2**32])})


def model_of(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> bytes:
    """A model that adds the ``value`` of the nodes to an image."""
    shape = [1, 3, SIZE, SIZE]
    graph = helper.make_graph(
        [*nodes, helper.make_node("Add", ["image", "value"], ["found"])],
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def test_a_file_whose_engine_does_not_answer_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(endless_model())
    monkeypatch.setattr(reading, "TRIAL_SECONDS", 1)
    with pytest.raises(ConversionError, match=r"model\.onnx: the engine did not end within 1 s; the file is"):
        read_model_file(path)


def test_a_file_that_needs_too_much_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(large_model())
    with pytest.raises(ConversionError, match=r"model\.onnx: .*allocate memory"):
        read_model_file(path)


def test_a_file_whose_engine_crashes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_file(1.0))
    (tmp_path / "onnxruntime.py").write_text(f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConversionError, match=r"model\.onnx: the engine died of signal 11"):
        read_model_file(path)


def test_a_relative_path_finds_the_weights_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    path = tmp_path / "model" / "model.onnx"
    model = onnx.load_from_string(onnx_file(1.0))
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    monkeypatch.chdir(tmp_path)
    found = read_model_file(Path("model", "model.onnx"))
    assert found.path == Path("model", "model.onnx")
    (tmp_path / "model" / "weights.bin").unlink()
    with pytest.raises(ConversionError, match=rf"^model{os.sep}model\.onnx: expected its weights"):
        read_model_file(Path("model", "model.onnx"))
