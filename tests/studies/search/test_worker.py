"""The process that carries recipes out: what it answers, how it dies; and searches as users run them."""

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
quantize = [{{}}, {{ scheme = "float16" }}, {rounding}]
{step} = [{{}}, {settings}]
"""
ROUNDING = {
    "pictures": '{ scheme = "int8-qat", epochs = 1 }',
    "ratings": '{ scheme = "int4-rows", epochs = 1 }',
}
STEP = {
    "pictures": ("channels", "{ keep = 0.5, epochs = 1 }"),
    "ratings": ("low-rank", "{ embedding_size = 8 }"),
}


def test_questions_are_answered_a_line_each() -> None:
    asked = {"name": "8 · float16", "tables": list(variant("8", "float16").tables)}
    lines = [["shapes", [asked]], ["untrained_bytes", asked], ["built", asked, None], ["built", asked, asked]]
    answers = io.StringIO()
    serve(
        lambda: FakeEvaluator(failing=["8 · float16"]),
        io.StringIO("".join(json.dumps(line) + "\n" for line in lines)),
        answers,
    )
    shapes, size, *failed = map(json.loads, answers.getvalue().splitlines())
    assert shapes["found"][0]["parameters"] == 800 and size == {"found": 2_600}
    assert failed == [{"error": "the converter does not like it", "lasting": True}] * 2


def test_data_that_cannot_be_read_are_an_answer() -> None:
    def no_bench() -> FakeEvaluator:
        raise DataError("no ratings here")

    answers = io.StringIO()
    serve(no_bench, io.StringIO('["shapes", []]\n'), answers)
    assert json.loads(answers.getvalue()) == {"error": "no ratings here", "lasting": False}


def test_a_process_that_is_killed_is_one_recipes_error_and_the_next_question_starts_another(
    tmp_path: Path,
) -> None:
    (tmp_path / "base.toml").write_text(RATINGS)
    base = read_recipe_file(tmp_path / "base.toml")
    with Worker(Setup(base, ("tflite",), "ndcg_at_10", None, tmp_path / "out")) as worker:
        process = worker._started()
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match=r"signal 9 \(SIGKILL\): was there not enough memory"):
            worker.shapes([variant("8", "float16")])
        found = worker.shapes([variant("8", "float16"), variant("8", "int4-rows")])
        assert [one if isinstance(one, str) else one.least_bytes for one in found] == [
            found[0].parameters * 2,  # type: ignore[union-attr]
            found[0].parameters // 2,  # type: ignore[union-attr]
        ]


def test_what_the_process_cannot_read_is_told_by_it(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(RATINGS.replace('"synthetic"', '"ncf"\nname = "gone"', 1))
    base = read_recipe_file(tmp_path / "base.toml")
    setup = Setup(base, ("tflite",), "ndcg_at_10", tmp_path / "nowhere", tmp_path / "out")
    with Worker(setup) as worker, pytest.raises(HanjiError, match="nowhere"):
        worker.shapes([variant("8", "float16")])


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


@pytest.fixture(scope="module", params=["pictures", "ratings"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    task = request.param
    folder = tmp_path_factory.mktemp("search") / task
    folder.mkdir()
    (folder / "base.toml").write_text(IMAGES if task == "pictures" else RATINGS)
    step, settings = STEP[task]
    (folder / "study.toml").write_text(STUDY.format(rounding=ROUNDING[task], step=step, settings=settings))
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    done = search(folder, "--max-size", "12KB", "--max-latency-ms", "50", "--trials", "3")
    assert done.returncode == 0, done.stderr[-3000:]
    table: dict[str, Any] = json.loads(done.stdout)
    return table


def test_a_search_hands_over_a_recipe_and_a_bundle_within_the_budget(
    folder: Path, found: dict[str, Any]
) -> None:
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


def test_untrained_files_weigh_what_trained_ones_do(found: dict[str, Any]) -> None:
    both = [(row["untrained_bytes"], row["bytes"]) for row in found["candidates"] if row["bytes"]]
    measured = [pair for pair in both if pair[0]]
    assert measured
    for untrained, trained in measured:
        assert may_fit(untrained, trained) and may_fit(trained, untrained)


@pytest.mark.parametrize("folder", ["ratings"], indirect=True)  # of pictures it is the same code
def test_what_was_measured_is_not_measured_again(folder: Path, found: dict[str, Any]) -> None:
    kept = {path: path.stat().st_mtime_ns for path in (folder / "out" / "work" / "measured").iterdir()}
    again = search(folder, "--max-size", "12KB", "--max-latency-ms", "50", "--trials", "3")
    assert again.returncode == 0, again.stderr[-3000:]
    table = json.loads(again.stdout)
    assert table["candidates"] == found["candidates"] and table["winner"] == found["winner"]
    assert table["test"] == found["test"]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.parametrize("folder", ["ratings"], indirect=True)  # of pictures it is the same code
def test_a_budget_that_nothing_keeps_is_exit_1_with_what_binds(folder: Path, found: dict[str, Any]) -> None:
    done = search(folder, "--max-size", "1KB")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert (
        last.startswith("hanji: error: no recipe keeps the budget: the closest is ")
        and "more than 1,000" in last
    )
    assert json.loads(done.stdout)["trained"] == 0


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ([], 1, "expected one of --max-size, --max-latency-ms and --max-drop, found none"),
        (["--max-size", "much"], 2, "expected a size such as 100KB"),
        (["--max-latency-ms", "0"], 2, "expected a number above 0"),
        (["--max-drop", "nan"], 2, "expected a number of 0 or more"),
        (["--max-size", "1KB", "--trials", "0"], 2, "expected a whole number of 1 or more"),
        (["--max-size", "1KB", "--seed", "-1"], 2, "expected a whole number of 0 or more"),
    ],
)
def test_nonsense_is_told(tmp_path: Path, options: list[str], code: int, said: str) -> None:
    (tmp_path / "base.toml").write_text(RATINGS)
    command = [str(HANJI), "search", str(tmp_path / "base.toml"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == code and said in done.stderr
