"""Bundles with right hashes and wrong contents: the process that opens them with ``isolated`` survives."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import BundleError, Classifier, EngineError, HanjiError, Recommender, cli, isolation
from hanji.runtime.bundle import open_bundle

pytestmark = [pytest.mark.usefixtures("commands"), pytest.mark.timeout(60)]
Make = Callable[..., Any]


@pytest.fixture
def onnx() -> Any:
    return pytest.importorskip("onnx")


def scores_of(onnx: Any, nodes: list[Any], constants: dict[str, np.ndarray], dtype: str = "FLOAT") -> bytes:
    """A model of the signature "catalogue" with these nodes; its output has an unstated shape."""
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "test",
        [value("user", onnx.TensorProto.INT32, [1])],
        [value("scores", getattr(onnx.TensorProto, dtype), None)],
        [onnx.numpy_helper.from_array(constant, name) for name, constant in constants.items()],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def slow(onnx: Any) -> bytes:
    """Multiplies large matrices for minutes. Their size depends on the input, so that it is not checked."""
    node = onnx.helper.make_node
    nodes = [
        node("Cast", ["user"], ["zero"], to=onnx.TensorProto.INT64),
        node("Add", ["zero", "sizes"], ["shape"]),
        node("ConstantOfShape", ["shape"], ["m0"]),
        *(node("MatMul", [f"m{index}", "m0"], [f"m{index + 1}"]) for index in range(300)),
        node("ReduceSum", ["m300"], ["sum"], keepdims=0),
        node("Expand", ["sum", "items"], ["scores"]),
    ]
    return scores_of(onnx, nodes, {"sizes": np.array([4000, 4000]), "items": np.array([30])})


def large(onnx: Any) -> bytes:
    """Computes with 4 GB."""
    node = onnx.helper.make_node
    nodes = [
        node("Cast", ["user"], ["zero"], to=onnx.TensorProto.INT64),
        node("Add", ["zero", "count"], ["length"]),
        node("ConstantOfShape", ["length"], ["many"]),
        node("ReduceSum", ["many", "first"], ["sum"], keepdims=1),
        node("Expand", ["sum", "items"], ["scores"]),
    ]
    constants = {"count": np.array([10**9]), "first": np.array([0]), "items": np.array([30])}
    return scores_of(onnx, nodes, constants)


def with_model(make_parts: Make, path: Path, content: bytes) -> Path:
    parts = make_parts("onnx")
    del parts.manifest["artifacts"][0]["signatures"]["pairs"]
    parts.manifest["artifacts"][0]["files"] = [{"path": "model.onnx"}]
    del parts.files["pairs.onnx"]
    parts.files["model.onnx"] = content
    written: Path = parts.write(path)
    return written


def test_a_valid_bundle(bundle: Path, image_bundle: Path) -> None:
    for engine in ("litert", "onnxruntime"):
        with Recommender.open(bundle, engine=engine, isolated=True, threads=2) as recommender:
            assert len(recommender.recommend(100)) == 10
        with Classifier.open(image_bundle, engine=engine, isolated=True) as classifier:
            assert classifier.self_test().passed


def test_the_result_is_that_of_the_self_test(onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(onnx_bundle)  # a relative path, and a directory in which no module is imported
    (onnx_bundle / "numpy.py").write_text("raise SystemExit(3)")
    with Recommender.open(".") as recommender:
        expected = recommender.self_test()
    found = isolation.tested(open_bundle("."), {"engine": "onnxruntime"})
    assert found == isolation.Tested(expected, ())


def test_a_model_that_computes_for_too_long(
    make_parts: Make, tmp_path: Path, onnx: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "SECONDS", 3.0)
    path = with_model(make_parts, tmp_path / "bundle", slow(onnx))
    start = time.monotonic()
    with pytest.raises(EngineError, match=r"bundle on onnxruntime: no answer within 3 s in a test; do not"):
        Recommender.open(path, isolated=True)
    assert time.monotonic() - start < 10


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's own memory")
def test_a_model_that_needs_too_much_memory(make_parts: Make, tmp_path: Path, onnx: Any) -> None:
    path = with_model(make_parts, tmp_path / "bundle", large(onnx))
    with pytest.raises(EngineError, match=r"onnxruntime .*(alloc|memory)"):
        Recommender.open(path, isolated=True)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
        ("import os; os.abort()", "signal 6"),
        ("raise SystemExit(7)", "exit code 7"),
        ("print('{')", "exit code 0"),
    ],
)
def test_a_process_that_ends(
    onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, end: str, status: str
) -> None:
    monkeypatch.setattr(isolation, "PROGRAM", end)
    expected = f"{onnx_bundle} on onnxruntime: the process of a test ended with {status}; "
    with pytest.raises(EngineError, match=expected):
        Recommender.open(onnx_bundle, isolated=True)
    assert cli.main(["verify", str(onnx_bundle)]) == 1
    output = capsys.readouterr()
    assert expected in output.out
    assert output.err.count("\n") == 1


def test_errors_keep_their_types(make_parts: Make, tmp_path: Path) -> None:
    parts = make_parts("onnx")
    parts.files["items.json"] = b"[]"
    path = parts.write(tmp_path / "bundle")
    with pytest.raises(BundleError, match=r"items\.json: expected an object"):
        Recommender.open(path, isolated=True)


def test_a_failed_self_test(make_parts: Make, tmp_path: Path) -> None:
    parts = make_parts("onnx")
    golden = json.loads(parts.files["golden.json"])
    golden["artifacts"]["onnx"]["cases"][0]["scores"][0] += 1
    parts.files["golden.json"] = json.dumps(golden).encode()
    path = parts.write(tmp_path / "bundle")
    Recommender.open(path).close()
    with pytest.raises(BundleError, match=r"the self-test failed: .*a score differs by 1"):
        Recommender.open(path, isolated=True)


def test_an_artifact_without_golden_cases_is_run(make_parts: Make, tmp_path: Path) -> None:
    parts = make_parts("onnx")
    golden = json.loads(parts.files["golden.json"])
    del golden["artifacts"]["onnx"]
    parts.files["golden.json"] = json.dumps(golden).encode()
    with Recommender.open(parts.write(tmp_path / "bundle"), isolated=True) as recommender:
        assert len(recommender.recommend(100)) == 10


def test_a_bundle_that_is_replaced_during_the_test(
    onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = {"passed": True, "cases": 1, "max_abs_error": 0.0, "tolerance": 1.0, "detail": ""}
    answer = {"self_test": test, "fallbacks": [], "sha256": "0" * 64}
    monkeypatch.setattr(isolation, "PROGRAM", f"import json; print(json.dumps({answer}))")
    with pytest.raises(BundleError, match="was replaced during the test"):
        Recommender.open(onnx_bundle, isolated=True)


def test_without_an_interpreter(onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(HanjiError, match=r"sys\.executable of this Python is not set"):
        Recommender.open(onnx_bundle, isolated=True)
    assert cli.main(["verify", str(onnx_bundle), "--in-process"]) == 0


def test_limits_of_a_process(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    if os.fork() == 0:  # limits cannot be raised again
        isolation.limit_this_process(123 * 2**20, 5)
        found = [
            resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0] for name in ("DATA", "CPU", "CORE")
        ]
        (tmp_path / "limits").write_text(str(found))
        os._exit(0)
    os.wait()
    assert (tmp_path / "limits").read_text() == str([123 * 2**20, 5 * (os.cpu_count() or 1) + 1, 0])


def test_a_process_that_cannot_be_started_is_said(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in an emulator: there is a Python, but the system cannot execute its file."""
    python = tmp_path / "python"
    python.write_bytes(b"\x7fELF, of another machine")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    with pytest.raises(HanjiError, match=r"cannot start another process: .*isolated=False"):
        Recommender.open(bundle, isolated=True)
