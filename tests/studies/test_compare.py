"""Tiny studies of both tasks, run on the command line."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from hanji.export import evaluate

from .tiny import IMAGES, RATINGS

HANJI = Path(sys.executable).with_name("hanji")
STUDY = """
name = "tiny"
base = "base.toml"
seeds = [0, 1]
formats = ["tflite"]
[[recipes]]
name = "{scheme}"
compression = [{{ type = "quantize", scheme = "{scheme}"{more} }}]
[[recipes]]
name = "<fails> & reports"
compression = [{{ {fails} }}]
[[budgets]]
name = "all"
max_bytes = 1000000
[[budgets]]
name = "nothing"
max_bytes = 10
"""
FAILS = {
    "images": 'type = "quantize", scheme = "int8", float_layers = ["nowhere"]',
    "ratings": 'type = "low-rank", embedding_size = 1000',
}


def compare(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [str(HANJI), "compare", str(folder / "study.toml"), "--out", str(folder / "out"), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=500)


def written(folder: Path, task: str) -> Path:
    folder.mkdir()
    (folder / "base.toml").write_text(IMAGES if task == "images" else RATINGS)
    scheme, more = ("int8", "") if task == "images" else ("int8-rows", ", epochs = 1")
    path = folder / "study.toml"
    path.write_text(STUDY.format(scheme=scheme, more=more, fails=FAILS[task]))
    return path


def made(folder: Path) -> dict[str, Any]:
    done = compare(folder)
    assert done.returncode == 0, done.stderr[-3000:]
    study: dict[str, Any] = json.loads((folder / "out" / "study.json").read_text(encoding="utf-8"))
    return study


@pytest.fixture(scope="module", params=["images", "ratings"])
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, task: str) -> Path:
    return tmp_path_factory.mktemp("studies") / task


@pytest.fixture(scope="module")
def study(folder: Path, task: str) -> dict[str, Any]:
    written(folder, task)
    return made(folder)


def test_every_recipe_is_a_row_measured_on_its_bundle(study: dict[str, Any]) -> None:
    full, quantized, _ = study["rows"]
    metric = study["metric"]["name"]
    assert full["is_full"] and full["against_full"] is None
    assert quantized["formats"]["tflite"]["bytes"]["mean"] < full["formats"]["tflite"]["bytes"]["mean"]
    for row in (full, quantized):
        assert len(row["metrics"][metric]["values"]) == 2
        assert row["latency"]["litert"]["p90_ms"] >= row["latency"]["litert"]["p50_ms"] > 0
        assert row["peak_bytes"] > 1e6
        assert row["cold_start_ms"] > 0
        assert row["seconds"].keys() == {"train" if row is full else "compress", "export", "measure"}
        assert {run["seed"] for run in row["runs"]} == {0, 1}
    difference = quantized["metrics"][metric]["mean"] - full["metrics"][metric]["mean"]
    assert quantized["against_full"][metric]["difference"] == pytest.approx(difference)
    assert 0 < quantized["likeness"]["rank_correlation"] <= 1


def test_a_failed_recipe_is_a_row_with_its_reason(study: dict[str, Any]) -> None:
    failed = study["rows"][2]
    assert failed["status"] == "failed"
    assert "seed 0: " in failed["reason"] and "seed 1: " in failed["reason"]
    assert failed["metrics"] is failed["formats"] is failed["latency"] is failed["peak_bytes"] is None


def test_budgets_have_a_winner_or_violations(study: dict[str, Any]) -> None:
    all_fit, nothing = study["budgets"]
    assert all_fit["winner"] in {row["name"] for row in study["rows"]}
    assert nothing["winner"] is None
    assert "above the limit of 10" in nothing["binds"]


def test_slices_and_details_are_those_of_the_task(study: dict[str, Any], task: str) -> None:
    quantized = study["rows"][1]
    groups = {part["group"] for part in quantized["slices"]}
    assert groups == ({"classes"} if task == "images" else {"items", "users"})
    if task == "images":
        counts = quantized["confusion"]["counts"]
        assert sum(map(sum, counts)) == 2 * study["data"]["samples"]
        assert quantized["layers"][0]["error"] >= quantized["layers"][-1]["error"]
    else:
        assert quantized["confusion"] is quantized["layers"] is None
    assert quantized["macs"] > 0


@pytest.mark.parametrize("task", ["ratings"], indirect=True)
def test_full_ranking_is_measured_in_every_job_and_can_be_chosen(study: dict[str, Any], folder: Path) -> None:
    sampled, full = study["data"]["protocols"]
    assert study["data"]["protocol"] == sampled and "99 sampled negatives" in sampled
    done = compare(folder, "--json", "--protocol", "full")
    assert done.returncode == 0, done.stderr[-3000:]
    again = json.loads(done.stdout)
    assert again["data"]["protocol"] == full and "all 200 items" in full
    assert again["metric"]["name"] == "full_ranking_ndcg_at_10"
    for first, second in zip(study["rows"], again["rows"], strict=True):
        assert first["metrics"] == second["metrics"] and first["against_full"] == second["against_full"]
    base, quantized, _ = again["rows"]
    difference = (
        quantized["metrics"]["full_ranking_mrr"]["mean"] - base["metrics"]["full_ranking_mrr"]["mean"]
    )
    assert quantized["against_full"]["full_ranking_mrr"]["difference"] == pytest.approx(difference)
    page = unescape((folder / "out" / "study.html").read_text(encoding="utf-8"))
    assert f"NDCG@10 (full ranking): {full}" in page
    assert "coverage@10 (full ranking)" in page
    assert "--protocol full" in page
    evaluated = evaluate(
        next((folder / "out" / "runs" / "seed-1").glob("full-*")) / "bundle", protocol="full"
    )
    for name, value in evaluated.items():
        assert base["metrics"][f"full_ranking_{name}"]["values"][1] == pytest.approx(value)


def test_a_csv_file_and_a_page_are_written(study: dict[str, Any], folder: Path) -> None:
    with (folder / "out" / "study.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["name"] for line in lines] == [row["name"] for row in study["rows"]]
    assert lines[2]["tflite_bytes"] == "" and lines[2]["reason"]
    page = (folder / "out" / "study.html").read_text(encoding="utf-8")
    assert "&lt;fails&gt; &amp; reports" in page and "<fails>" not in page


@pytest.mark.parametrize("task", ["ratings"], indirect=True)  # the same code for images
def test_finished_results_are_reused(study: dict[str, Any], folder: Path) -> None:
    missing = next((folder / "out" / "runs" / "seed-1").glob("full-*")) / "row.json"
    others = {path: path.stat().st_mtime_ns for path in (folder / "out" / "runs").rglob("row.json")}
    missing.unlink()
    done = compare(folder, "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    again = json.loads(done.stdout)
    assert study["seconds"] > 0 and again["seconds"] is None  # partly an earlier run
    assert [row["metrics"] for row in again["rows"]] == [row["metrics"] for row in study["rows"]]
    assert {path for path, when in others.items() if path.stat().st_mtime_ns != when} == {missing}


def test_the_same_seed_gives_the_same_bundles(study: dict[str, Any], folder: Path, task: str) -> None:
    """In another directory, with one of the seeds and without the recipe that fails."""
    path = written(folder.parent / f"{task}-again", task)
    text = path.read_text().replace("seeds = [0, 1]", "seeds = [1]")
    path.write_text(text[: text.index('[[recipes]]\nname = "<fails>')])
    again = made(path.parent)
    assert [row["name"] for row in again["rows"]] == [row["name"] for row in study["rows"][:2]]
    for first, second in zip(study["rows"], again["rows"], strict=False):
        assert first["runs"][1:] == second["runs"]
        for name, metric in second["metrics"].items():
            assert first["metrics"][name]["values"][1:] == metric["values"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["nowhere.toml"], "no such file"), (["study.toml", "--jobs", "0"], "--jobs: expected 1 or more")],
)
def test_user_errors_have_no_traceback(arguments: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("")
    done = subprocess.run(
        [str(HANJI), "compare", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
