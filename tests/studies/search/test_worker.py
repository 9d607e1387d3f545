"""The worker process: its responses and crashes; and searches on the command line."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hanji.runtime.bundle import open_bundle
from hanji.studies.search.candidate import may_fit
from hanji.studies.search.setup import Setup
from hanji.studies.search.worker import Worker, WorkerError, serve
from hanji.studies.variant import Variant
from hanji.training.errors import DataError, HanjiError
from hanji.training.recipe_file import read_recipe_file

from ..tiny import IMAGES, RATINGS
from .fakes import FakeEvaluator, variant

HANJI = Path(sys.executable).with_name("hanji")
STUDY = """
name = "tiny"
base = "base.toml"
formats = ["tflite"]
[grid]
quantize = [{{}}, {{ scheme = "float16" }}, {quantize}]
{step} = [{{}}, {settings}]
"""
QUANTIZE = {
    "images": '{ scheme = "int8-qat", epochs = 1 }',
    "ratings": '{ scheme = "int4-rows", epochs = 1 }',
}
STEP = {
    "images": ("channels", "{ keep = 0.5, epochs = 1 }"),
    "ratings": ("low-rank", "{ embedding_size = 8 }"),
}


def test_each_request_has_a_response_in_one_line() -> None:
    recipe = {"name": "8 · float16", "tables": list(variant("8", "float16").tables)}
    lines = [
        ["shapes", [recipe]],
        ["untrained_bytes", recipe],
        ["built", recipe, None],
        ["built", recipe, recipe],
    ]
    responses = io.StringIO()
    serve(
        lambda: FakeEvaluator(failing=["8 · float16"]),
        io.StringIO("".join(json.dumps(line) + "\n" for line in lines)),
        responses,
    )
    shapes, size, *failed = map(json.loads, responses.getvalue().splitlines())
    assert shapes["found"][0]["parameters"] == 800 and size == {"found": 2_600}
    assert failed == [{"error": "unsupported operator", "lasting": True}] * 2


def test_data_that_cannot_be_read_is_reported_in_a_response() -> None:
    def failing() -> FakeEvaluator:
        raise DataError("no ratings here")

    responses = io.StringIO()
    serve(failing, io.StringIO('["shapes", []]\n'), responses)
    assert json.loads(responses.getvalue()) == {"error": "no ratings here", "lasting": False}


def test_a_killed_process_fails_one_request_and_is_restarted(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(RATINGS)
    base = read_recipe_file(tmp_path / "base.toml")
    with Worker(Setup(base, ("tflite",), "ndcg_at_10", None, tmp_path / "out", "")) as worker:
        process = worker._start()
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match=r"signal 9 \(SIGKILL\), possibly out of memory"):
            worker.shapes([variant("8", "float16")])
        shapes = worker.shapes([variant("8", "float16"), variant("8", "int4-rows")])
        assert [shape if isinstance(shape, str) else shape.min_bytes for shape in shapes] == [
            shapes[0].parameters * 2,  # type: ignore[union-attr]
            shapes[0].parameters // 2,  # type: ignore[union-attr]
        ]


def test_errors_of_the_worker_process_are_raised(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(RATINGS.replace('"synthetic"', '"ncf"\nname = "missing"', 1))
    base = read_recipe_file(tmp_path / "base.toml")
    setup = Setup(base, ("tflite",), "ndcg_at_10", tmp_path / "nowhere", tmp_path / "out", "")
    with Worker(setup) as worker, pytest.raises(HanjiError, match="nowhere"):
        worker.shapes([variant("8", "float16")])


def test_a_winner_with_cached_measurements_is_exported_from_its_own_full_model(tmp_path: Path) -> None:
    """The full model may be missing, or trained on other data since."""
    (tmp_path / "base.toml").write_text(RATINGS)
    base = read_recipe_file(tmp_path / "base.toml")
    setup = Setup(base, ("tflite",), "ndcg_at_10", None, tmp_path / "out", "")
    (tmp_path / "out" / "work").mkdir(parents=True)
    with Worker(setup) as worker:
        finished = worker.finish(Variant("float16", ({"type": "quantize", "scheme": "float16"},)))
    assert finished.winner["ndcg_at_10"] > 0.1
    assert (tmp_path / "out" / "bundle" / "manifest.json").is_file()


def search(folder: Path, *bounds: str) -> subprocess.CompletedProcess[str]:
    command = [
        str(HANJI),
        "search",
        str(folder / "study.toml"),
        "--out",
        str(folder / "out"),
        *bounds,
        "--json",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=500)


@pytest.fixture(scope="module", params=["images", "ratings"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    task = request.param
    folder = tmp_path_factory.mktemp("search") / task
    folder.mkdir()
    (folder / "base.toml").write_text(IMAGES if task == "images" else RATINGS)
    step, settings = STEP[task]
    (folder / "study.toml").write_text(STUDY.format(quantize=QUANTIZE[task], step=step, settings=settings))
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    done = search(folder, "--max-size", "12KB", "--max-latency-ms", "50", "--trials", "3")
    assert done.returncode == 0, done.stderr[-3000:]
    table: dict[str, Any] = json.loads(done.stdout)
    return table


def test_a_search_writes_a_recipe_and_a_bundle_within_the_budget(folder: Path, found: dict[str, Any]) -> None:
    rows = {row["name"]: row for row in found["candidates"]}
    winner = rows[found["winner"]]
    assert winner["status"] == "fits" and winner["bytes"] <= 12_000
    content = (folder / "out" / "bundle" / "model.tflite").read_bytes()
    assert len(content) == winner["bytes"]
    recipe = read_recipe_file(folder / "out" / "recipe.toml")
    assert list(recipe.compression) == winner["steps"]
    manifest = open_bundle(folder / "out" / "bundle").manifest
    assert manifest.metrics.compressed[found["metric"]] == pytest.approx(
        found["test"]["winner"][found["metric"]], abs=0.1
    )
    assert found["test"]["full"].keys() == found["test"]["winner"].keys()


def test_untrained_files_have_the_size_of_trained_ones(found: dict[str, Any]) -> None:
    both = [(row["untrained_bytes"], row["bytes"]) for row in found["candidates"] if row["bytes"]]
    measured = [pair for pair in both if pair[0]]
    assert measured
    for untrained, trained in measured:
        assert may_fit(untrained, trained) and may_fit(trained, untrained)


@pytest.mark.parametrize("folder", ["ratings"], indirect=True)  # the same code for images
def test_measurements_are_reused(folder: Path, found: dict[str, Any]) -> None:
    cached = {path: path.stat().st_mtime_ns for path in (folder / "out" / "work" / "measured").iterdir()}
    again = search(folder, "--max-size", "12KB", "--max-latency-ms", "50", "--trials", "3")
    assert again.returncode == 0, again.stderr[-3000:]
    table = json.loads(again.stdout)
    assert table["candidates"] == found["candidates"] and table["winner"] == found["winner"]
    assert table["test"] == found["test"]
    assert {path: path.stat().st_mtime_ns for path in cached} == cached


@pytest.mark.parametrize("folder", ["ratings"], indirect=True)  # the same code for images
def test_without_a_recipe_in_the_budget_the_exit_code_is_1_with_the_violations(
    folder: Path, found: dict[str, Any]
) -> None:
    done = search(folder, "--max-size", "1KB")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert (
        last.startswith("hanji: error: no recipe is within the budget: the closest is ")
        and "above the limit of 1,000" in last
    )
    assert json.loads(done.stdout)["trained"] == 0


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 1, "expected one of --max-size, --max-latency-ms and --max-drop, found none"),
        (["--max-size", "much"], 2, "expected a size such as 100KB"),
        (["--max-latency-ms", "0"], 2, "expected a number above 0"),
        (["--max-drop", "nan"], 2, "expected a number of 0 or more"),
        (["--max-size", "1KB", "--trials", "0"], 2, "expected an integer of 1 or more"),
        (["--max-size", "1KB", "--seed", "-1"], 2, "expected an integer of 0 or more"),
    ],
)
def test_invalid_options_are_reported(tmp_path: Path, options: list[str], code: int, message: str) -> None:
    (tmp_path / "base.toml").write_text(RATINGS)
    command = [str(HANJI), "search", str(tmp_path / "base.toml"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == code and message in done.stderr
