"""Bundles on emulated Raspberry Pis, run by every engine that has a wheel there."""

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
from emulated_pi import PLACE, ROOT
from wheels import install

from hanji.export.formats.tflite_runtime import NEWEST_VERSIONS

from ..left_out import missing

ON_DEVICE = Path(__file__).with_name("on_device.py")
BOARDS = [("pi4", "litert,onnx"), ("pi5", "litert,onnx"), ("pi4", "tflite"), ("pi2", "tflite")]
pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize(("board", "extras"), BOARDS)
def test_golden_answers_are_equal(
    device: Callable, recommender: Callable[[str], Path], classifier: Path, board: str, extras: str
) -> None:
    """`hanji verify`, as pip installed it: every engine of the board replays what was exported on x86."""
    pi = device(board, extras)
    for bundle in (recommender("int8-rows"), classifier):
        checks = json.loads(pi.run(pi.site / "bin" / "hanji", "verify", bundle, "--json"))
        assert checks["passed"]
        replayed = [check["name"].split()[2] for check in checks["checks"] if check["passed"]
                    and check["name"].startswith("self-test on ")]  # fmt: skip
        assert replayed == list(pi.engines)


@pytest.mark.parametrize(("board", "extras"), BOARDS)
def test_int8_answers_are_those_of_this_machine(
    device: Callable, levels_here: Callable, int8_file: Path, board: str, extras: str
) -> None:
    """Bit for bit by LiteRT, within one level by tflite-runtime, each against itself on x86.

    The two engines round otherwise in each layer, on any machine: at the end of a network they are up to two
    levels apart.
    """
    found = np.array(json.loads(device(board, extras).run(ON_DEVICE, "levels", int8_file)))
    by_litert = levels_here("litert")
    assert len(np.unique(by_litert)) > 20
    if extras == "tflite":
        assert np.abs(found - levels_here("tflite")).max() <= 1
        assert np.abs(found - by_litert).max() <= 2
    else:
        assert np.array_equal(found, by_litert)


@pytest.fixture(scope="session")
def levels_here(int8_file: Path) -> Callable[[str], np.ndarray]:
    """Gives what the int8 file answers on this machine, by LiteRT or by tflite-runtime."""

    @functools.cache
    def made(engine: str) -> np.ndarray:
        command, environment = [sys.executable, ON_DEVICE, "levels", int8_file], dict(os.environ)
        if engine == "tflite":
            python = shutil.which("python3.11")
            if python is None or platform.machine() != "x86_64":
                pytest.skip("tflite-runtime runs here by Python 3.11 on x86-64 only")
            command[:1] = [python, "-S"]  # without this environment's own packages
            environment["PYTHONPATH"] = str(_tflite_runtime_here())
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return np.array(json.loads(done.stdout))

    return made


def _tflite_runtime_here() -> Path:
    target = PLACE / "amd64-tflite"
    try:
        install(target, ["hanji-runtime[tflite]"], "amd64", ROOT / "dist")
    except MissingError as error:
        missing(f"no emulated Pi: {error}")
    return target


@pytest.mark.parametrize(("board", "extras"), [("pi5", "litert,onnx"), ("pi2", "tflite")])
def test_the_runtime_says_where_it_runs(device: Callable, classifier: Path, board: str, extras: str) -> None:
    pi = device(board, extras)
    for engine in pi.engines:
        found = json.loads(pi.run(ON_DEVICE, "opened", classifier, engine))
        assert found["placement"]["engine"] == engine
        assert found["placement"]["threads"] == 1
        assert found["placement"]["fallbacks"] == []
        assert sum(found["placement"]["operators"].values()) > 5
        assert set(found["placement"]["operators"]) == {"cpu"}
        assert found["numpy"].startswith("1." if extras == "tflite" else "2.")


def test_a_32_bit_pi_refuses_4_bit_rows_and_says_why(device: Callable, recommender: Callable) -> None:
    pi = device("pi2", "tflite")
    asked = [pi.site / "bin" / "hanji", "recommend", recommender("int4-rows"), "--history", "item-1"]
    done = pi.pi.run(asked, sites=[pi.site])
    assert done.returncode == 1
    assert done.stderr.startswith("hanji: error: no engine can run this bundle: ")
    assert "tflite-runtime: the bundle holds no artifact for it" in done.stderr


@pytest.mark.parametrize("board", ["pi4", "pi2"])
def test_tflite_runtime_knows_the_operators_that_the_export_says(
    device: Callable, tmp_path: Path, board: str
) -> None:
    """The newest version of each that it knows, and not the next one."""
    numbers = vars(schema.BuiltinOperator)
    for name, version in NEWEST_VERSIONS.items():
        for asked in (version, version + 1):
            (tmp_path / f"{name}-{asked}.tflite").write_bytes(_one_code(numbers[name], asked))
    found = json.loads(device(board, "tflite").run(ON_DEVICE, "known", tmp_path))
    assert found == sorted(f"{name}-{version}" for name, version in NEWEST_VERSIONS.items())


def _one_code(kind: int, version: int) -> bytes:
    """A file that speaks of one operator and computes nothing."""
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
