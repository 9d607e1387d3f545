"""Bundles on emulated Raspberry Pis, with every engine that has a wheel for them."""

from __future__ import annotations

import functools
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema

sys.path.insert(0, str(Path(__file__).parent))
from debian import MissingError
from emulated_pi import BASE, ROOT
from wheels import install

from hanji.export.formats.tflite_runtime import NEWEST_VERSIONS

from ..left_out import missing

ON_DEVICE = Path(__file__).with_name("on_device.py")
BOARDS = [("pi4", "litert,onnx"), ("pi5", "litert,onnx"), ("pi4", "tflite"), ("pi2", "tflite")]
pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize(("board", "extras"), BOARDS)
def test_the_golden_self_test_passes(
    device: Callable, recommender: Callable[[str], Path], classifier: Path, board: str, extras: str
) -> None:
    """`hanji verify` as installed by pip: all engines of the board reproduce the outputs recorded on x86."""
    pi = device(board, extras)
    for bundle in (recommender("int8-rows"), classifier):
        # An emulated Python cannot start another one: the system does not know how to execute its file.
        checks = json.loads(pi.run(pi.site / "bin" / "hanji", "verify", bundle, "--in-process", "--json"))
        assert checks["passed"]
        replayed = [check["name"].split()[2] for check in checks["checks"] if check["passed"]
                    and check["name"].startswith("self-test on ")]  # fmt: skip
        assert replayed == list(pi.engines)


@pytest.mark.parametrize(("board", "extras"), BOARDS)
def test_int8_outputs_equal_those_of_this_machine(
    device: Callable, levels_here: Callable, int8_file: Path, board: str, extras: str
) -> None:
    """LiteRT is bit-identical to itself on x86; tflite-runtime differs by at most one quantization level.

    The two engines round differently in each layer, on any machine: their outputs differ by up to two levels.
    """
    outputs = np.array(json.loads(device(board, extras).run(ON_DEVICE, "levels", int8_file)))
    litert_outputs = levels_here("litert")
    assert len(np.unique(litert_outputs)) > 20
    if extras == "tflite":
        assert np.abs(outputs - levels_here("tflite")).max() <= 1
        assert np.abs(outputs - litert_outputs).max() <= 2
    else:
        assert np.array_equal(outputs, litert_outputs)


@pytest.fixture(scope="session")
def levels_here(int8_file: Path) -> Callable[[str], np.ndarray]:
    """Outputs of the int8 file on this machine, with LiteRT or tflite-runtime."""

    @functools.cache
    def compute(engine: str) -> np.ndarray:
        command, environment = [sys.executable, ON_DEVICE, "levels", int8_file], dict(os.environ)
        if engine == "tflite":
            python = shutil.which("python3.11")
            if python is None or platform.machine() != "x86_64":
                pytest.skip("tflite-runtime needs Python 3.11 on x86-64 here")
            command[:1] = [python, "-S"]  # without the packages of this environment
            environment["PYTHONPATH"] = str(_tflite_runtime_here())
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return np.array(json.loads(done.stdout))

    return compute


def _tflite_runtime_here() -> Path:
    target = BASE / "amd64-tflite"
    try:
        install(target, ["hanji-runtime[tflite]"], "amd64", ROOT / "dist")
    except MissingError as error:
        missing(f"no emulated Pi: {error}")
    return target


@pytest.mark.parametrize(("board", "extras"), [("pi5", "litert,onnx"), ("pi2", "tflite")])
def test_the_placement_report(device: Callable, classifier: Path, board: str, extras: str) -> None:
    pi = device(board, extras)
    for engine in pi.engines:
        found = json.loads(pi.run(ON_DEVICE, "opened", classifier, engine))
        assert found["placement"]["engine"] == engine
        assert found["placement"]["threads"] == 1
        assert found["placement"]["fallbacks"] == []
        assert sum(found["placement"]["operators"].values()) > 5
        assert set(found["placement"]["operators"]) == {"cpu"}
        assert found["numpy"].startswith("1." if extras == "tflite" else "2.")


def test_a_32_bit_pi_rejects_4_bit_rows_with_a_reason(device: Callable, recommender: Callable) -> None:
    pi = device("pi2", "tflite")
    command = [pi.site / "bin" / "hanji", "recommend", recommender("int4-rows"), "--history", "item-1"]
    done = pi.pi.run(command, sites=[pi.site])
    assert done.returncode == 1
    assert done.stderr.startswith("hanji: error: no engine can run this bundle: ")
    assert "tflite-runtime: the bundle has no artifact for it" in done.stderr


@pytest.mark.parametrize("board", ["pi4", "pi2"])
def test_tflite_runtime_supports_the_operators_listed_by_the_export(
    device: Callable, tmp_path: Path, board: str
) -> None:
    """It supports the listed newest version of each operator, and not the next one."""
    numbers = vars(schema.BuiltinOperator)
    for name, version in NEWEST_VERSIONS.items():
        for tried in (version, version + 1):
            (tmp_path / f"{name}-{tried}.tflite").write_bytes(_one_code(numbers[name], tried))
    found = json.loads(device(board, "tflite").run(ON_DEVICE, "known", tmp_path))
    assert found == sorted(f"{name}-{version}" for name, version in NEWEST_VERSIONS.items())


def _one_code(kind: int, version: int) -> bytes:
    """A model file that lists one operator code but has no operators."""
    model, code, graph = schema.ModelT(), schema.OperatorCodeT(), schema.SubGraphT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = kind, min(kind, 127), version
    graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
    model.version, model.operatorCodes, model.subgraphs, model.buffers = (
        3,
        [code],
        [graph],
        [schema.BufferT()],
    )
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
