"""`make demo` produces what the README describes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Demo = tuple[Path, str]
Hanji = Callable[..., subprocess.CompletedProcess[str]]


def test_it_prints_ten_recommendations_with_titles(demo: Demo) -> None:
    out, output = demo
    items = json.loads((out / "bundle" / "items.json").read_text())
    recommended = output[output.index("10 items for a history") : output.index("digits: full vs.")]
    listed = recommended.splitlines()[1:]
    rows = [line for line in listed if line.strip()[:2].strip().isdigit()]
    assert len(rows) == 10
    assert all(any(title in row for title in items["titles"]) for row in rows)
    assert sum("because of" in line for line in listed) == 10


def test_it_classifies_three_handwritten_digits(demo: Demo) -> None:
    _, output = demo
    classified = output[output.index("digits (litert") :]
    assert classified.count(".png") == 3
    for digit in ("0", "4", "9"):
        first = classified[classified.index(f"/{digit}.png") :].splitlines()[2]
        assert first.split()[:2] == ["1", digit]


def test_it_states_that_the_data_is_synthetic(demo: Demo) -> None:
    out, output = demo
    assert output.count("synthetic") >= 2
    assert "synthetic" in (out / "report.md").read_text()
    assert "synthetic" in (out / "bundle" / "MODEL_CARD.md").read_text().lower()


def test_it_compares_full_and_compressed(demo: Demo) -> None:
    out, output = demo
    report = json.loads((out / "report.json").read_text())
    full, litert, onnx = report["rows"]
    assert (full["model"], litert["precision"], onnx["format"]) == ("full", "int4-rows", "onnx")
    assert full["bytes"] > 4 * litert["bytes"]
    for row in (litert, onnx):
        assert row["metrics"]["hr_at_10"] > 0.9 * full["metrics"]["hr_at_10"]
    for word in ("HR@10", "NDCG@10", "bytes", "p50 ms", "full", "compressed"):
        assert word in output


def test_the_bundle_contains_no_user_data(demo: Demo) -> None:
    manifest = json.loads((demo[0] / "bundle" / "manifest.json").read_text())
    assert "users" not in manifest["ids"]
    assert not (demo[0] / "bundle" / "users.json").exists()


def test_it_comes_close_to_the_best_achievable_hit_rate(demo: Demo) -> None:
    report = json.loads((demo[0] / "report.json").read_text())
    assert report["rows"][1]["metrics"]["hr_at_10"] > 0.85 * report["best_hr_at_10"]


def test_the_bundle_verifies(demo: Demo, hanji: Hanji) -> None:
    done = hanji("verify", demo[0] / "bundle", "--json")
    assert done.returncode == 0, done.stderr


def test_evaluate_reproduces_the_reported_metrics(demo: Demo, hanji: Hanji) -> None:
    out, _ = demo
    done = hanji("evaluate", out / "bundle", "--engine", "litert", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    expected = json.loads((out / "report.json").read_text())["rows"][1]["metrics"]
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_full_ranking_is_reported_as_evaluate_measures_it(demo: Demo, hanji: Hanji) -> None:
    out, output = demo
    done = hanji("evaluate", out / "bundle", "--engine", "litert", "--protocol", "full", "--json")
    found = json.loads(done.stdout)
    report = json.loads((out / "report.json").read_text())
    expected = report["rows"][1]["full_ranking"]
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert report["full_protocol"] == found["protocol"]
    assert f"Full ranking ({found['protocol']}): full model HR@10 " in output
    assert f"compressed model HR@10 {expected['hr_at_10']:.4f}, NDCG@10" in output


def test_both_engines_recommend_nearly_the_same(demo: Demo, hanji: Hanji) -> None:
    tops = []
    for engine in ("litert", "onnxruntime"):
        done = hanji("recommend", demo[0] / "bundle", "--history", "7,31", "--engine", engine, "--json")
        assert done.returncode == 0, done.stderr
        tops.append({row["item"] for row in json.loads(done.stdout)["items"]})
    assert len(tops[0] & tops[1]) >= 9


def test_no_temporary_files_are_left(demo: Demo) -> None:
    names = {path.name for path in demo[0].iterdir()}
    assert names == {"bundle", "full", "work", "report.json", "report.md"}
