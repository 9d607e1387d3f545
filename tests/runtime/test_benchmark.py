"""`hanji benchmark`: measurements and their document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from hanji.export.recommenders import timing
from hanji.runtime import cli
from hanji.runtime.benchmarks import measuring
from hanji.runtime.benchmarks import recommender as benchmark
from hanji.runtime.benchmarks.protocol import Settings, measure
from hanji.runtime.errors import HanjiError

pytestmark = pytest.mark.usefixtures("commands")
Capture = pytest.CaptureFixture[str]
QUICK = ("--cold-starts", 1, "--runs", 5, "--warm-up", 1)


def hanji(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def check_schema(document: object) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    referencing = pytest.importorskip("referencing")
    schemas = {
        name: json.loads((files("hanji.runtime") / name).read_text(encoding="utf-8"))
        for name in ("benchmark.schema.json", "placement.schema.json")
    }
    resources = [(name, referencing.Resource.from_contents(schema)) for name, schema in schemas.items()]
    registry = referencing.Registry().with_resources(resources)
    jsonschema.Draft202012Validator(schemas["benchmark.schema.json"], registry=registry).validate(document)


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
def test_a_recommender(history_bundle: Path, engine: str) -> None:
    steps: list[str] = []
    settings = Settings({"engine": engine, "threads": 1}, cold_starts=2, runs=9, warm_up=1, k=3)
    document = measure(history_bundle, settings, progress=steps.append)
    check_schema(document)
    assert steps == ["fresh process 1 of 2", "fresh process 2 of 2"]
    protocol = {"version": 1, "task": "recommendation", "input": "a history of 5 to 15 items", "k": 3}
    assert document["protocol"].items() >= protocol.items()
    assert document["asked"] == {"engine": engine, "threads": 1}
    assert document["engine"]["engine"] == engine
    assert document["bundle"]["items"] == 30
    assert document["bundle"]["classes"] is None
    assert list(document["warm"]) == ["recommend", "engine_alone"]
    for times in document["warm"].values():
        assert 0 < times["p50_ms"]["pooled"] <= times["p90_ms"]["pooled"] <= times["p99_ms"]["pooled"]
        assert len(times["p50_ms"]["values"]) == 2
    assert json.loads(json.dumps(document)) == document


def test_the_parts_of_a_cold_start(bundle: Path) -> None:
    cold = measure(bundle, Settings(cold_starts=1, runs=2, warm_up=0))["cold_start"]
    parts = ("interpreter_ms", "import_ms", "engine_import_ms", "open_ms", "first_answer_ms")
    assert cold["total_ms"]["median"] == pytest.approx(sum(cold[name]["median"] for name in parts), abs=1e-4)
    assert 0 < cold["verify_ms"]["median"] < cold["total_ms"]["median"]


def test_memory(onnx_bundle: Path) -> None:
    memory = measure(onnx_bundle, Settings(cold_starts=1, runs=2))["memory"]
    if memory["peak_bytes"] is None:
        pytest.skip("this system does not report the memory of a process")
    imported, opened, steady, anonymous, peak = (spread["median"] for spread in memory.values())
    assert imported < opened <= steady <= peak
    assert anonymous < steady


def test_a_classifier(image_bundle: Path) -> None:
    document = measure(image_bundle, Settings({"engine": "litert"}, cold_starts=1, runs=3, warm_up=0))
    check_schema(document)
    assert document["protocol"]["input"] == "a picture of 5 × 6 RGB"
    assert (document["protocol"]["k"], document["bundle"]["classes"]) == (5, 4)
    assert list(document["warm"]) == ["classify", "engine_alone", "prepare"]
    assert document["bundle"]["items"] is None


def test_the_command_prints_and_writes(capsys: Capture, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "here.json"
    assert hanji("benchmark", bundle, *QUICK, "-k", 3, "--out", out) == 0
    text = capsys.readouterr().out
    for part in (
        "litert",
        "top 3 of 30 items, input: a user; 5 interleaved calls of each kind in 1 fresh processes",
        "first answer",
        "p50",
        "engine alone",
        "resident memory",
    ):
        assert part in text
    document = json.loads(out.read_text(encoding="utf-8"))
    check_schema(document)
    assert document["protocol"]["cold_starts"] == 1
    assert [path.name for path in tmp_path.iterdir() if "here" in path.name] == ["here.json"]


def test_the_command_prints_json(capsys: Capture, image_bundle: Path) -> None:
    assert hanji("benchmark", image_bundle, *QUICK, "-k", 2, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    check_schema(document)
    assert document["protocol"]["k"] == 2
    assert document["protocol"]["runs"] == 5


def test_a_failed_write_leaves_no_temporary_file(capsys: Capture, bundle: Path, tmp_path: Path) -> None:
    directory = tmp_path / "taken"
    directory.mkdir()
    assert hanji("benchmark", bundle, *QUICK, "--out", directory) == 1
    assert "hanji: error: " in capsys.readouterr().err
    assert not list(tmp_path.glob(".taken*"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(runs=0), "runs: expected 1 or more, found 0"),
        (Settings(cold_starts=0), "cold starts: expected 1 or more, found 0"),
        (Settings(runs=3), r"runs: expected at least one per process \(5 or more\), found 3"),
        (Settings(warm_up=-1), "warm-up: expected 0 or more, found -1"),
    ],
)
def test_invalid_settings(onnx_bundle: Path, settings: Settings, message: str) -> None:
    with pytest.raises(HanjiError, match=message):
        measure(onnx_bundle, settings)


def test_errors_of_opening_are_raised(onnx_bundle: Path) -> None:
    (onnx_bundle / "model.onnx").write_bytes(b"")
    with pytest.raises(HanjiError, match=r"model\.onnx: expected .* bytes, found 0"):
        measure(onnx_bundle, Settings(cold_starts=1, runs=1))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os; os.kill(os.getpid(), 11)", "ended with signal 11 and no result: nothing on stderr"),
        ("import sys; sys.exit(3)", "ended with exit code 3 and no result"),
        ("", "ended with exit code 0 and no result"),
        ("import sys; sys.exit('it is broken')", "^it is broken$"),
    ],
)
def test_a_process_without_a_result(program: str, message: str) -> None:
    with pytest.raises(HanjiError, match=message):
        measuring.run_json(program, {})


def test_other_output_of_a_process_is_ignored() -> None:
    program = "import json, sys; print('INFO: hello'); print(json.dumps([json.loads(sys.argv[1])]))"
    assert measuring.run_json(program, {"name": "종이"}) == [{"name": "종이"}]


VALGRIND = """#!/bin/sh
case "$*" in *'"call": null'*) refs=1,000,000 ;; *'"call": 0'*) refs=1,005,000 ;; *) refs=1,002,000 ;; esac
while [ "${1#--}" != "$1" ]; do shift; done
"$@" || exit
echo "==7== I   refs:      $refs" >&2
"""


def test_instructions(onnx_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a fake valgrind that runs the program and prints fixed counts."""
    command = tmp_path / "bin" / "valgrind"
    command.parent.mkdir()
    command.write_text(VALGRIND)
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent), prepend=os.pathsep)
    settings = Settings(cold_starts=1, runs=1, warm_up=1, count_instructions=True)
    document = measure(onnx_bundle, settings)
    check_schema(document)
    expected = {"counted_by": "valgrind", "calls": 50, "recommend": 100, "engine_alone": 40}
    assert document["instructions"] == expected
    command.write_text("#!/bin/sh\necho 'unrecognised instruction' >&2\nexit 1\n")
    with pytest.raises(HanjiError, match="valgrind failed to count instructions: unrecognised instruction"):
        measure(onnx_bundle, settings)


def test_instructions_need_valgrind(onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(HanjiError, match="needs valgrind, which is not on PATH"):
        measure(onnx_bundle, Settings(cold_starts=1, runs=1, count_instructions=True))


def test_usage_errors(capsys: Capture, bundle: Path) -> None:
    for arguments in ((), (bundle, "--compare", "a.json", "b.json")):
        with pytest.raises(SystemExit) as stopped:
            hanji("benchmark", *arguments)
        assert stopped.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_histories() -> None:
    ids = tuple(range(10_000, 14_000))
    queries, description = benchmark.histories(ids, 400, seed=3)
    lengths = sorted(len(query["history"]) for query in queries)
    assert description == "a history of 5 to 200 items"
    assert (lengths[0], lengths[-1]) == (5, pytest.approx(200, abs=10))
    assert lengths[200] == pytest.approx(32, abs=8)
    assert all(len(set(query["history"])) == len(query["history"]) for query in queries)
    assert all(query["history"][0] in ids for query in queries)
    assert benchmark.histories(ids, 400, seed=3)[0] == queries
    assert benchmark.histories((7,), 2, seed=3)[0] == [{"history": [7]}] * 2


def test_a_session_imports_nothing_that_opening_needs() -> None:
    """That import time would be missing from ``open_ms``."""
    code = (
        "import sys; from hanji.runtime import Recommender; before = set(sys.modules)\n"
        "import hanji.runtime.benchmarks.session\n"
        "print(sorted(name for name in set(sys.modules) - before if name.startswith('hanji.')))"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    package = "hanji.runtime.benchmarks"
    assert shown.strip() == str([package, f"{package}.session"])


def test_a_benchmark_inside_this_process(make_parts: Callable[..., Any], tmp_path: Path) -> None:
    report = timing.benchmark(make_parts("onnx").write(tmp_path / "bundle"), runs=3, k=2)
    assert (report.runs, report.k, report.items, report.input_description) == (3, 2, 30, "a user")
    assert report.p50_ratio == report.recommend.p50_ms / report.engine_alone.p50_ms
    assert report.open_ms > 0
