"""Builds, reports and evaluations after the data has changed, on a catalogue too small for 99 negatives."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hanji.export import evaluate
from hanji.export.commands import build as build_command
from hanji.export.commands import evaluate as evaluate_command
from hanji.runtime import Recommender
from hanji.runtime.bundle import open_bundle

RECIPE = """
name = "books"
[data]
name = "books"
format = "csv"
ratings = "r.csv"
timestamp_column = "time"
items = "items.csv"
genres_column = "genres"
[model]
type = "history"
embedding_size = 4
hidden_units = []
[training]
epochs = 1
[[compression]]
type = "quantize"
scheme = "float16"
[export]
formats = ["tflite"]
"""
USERS, ITEMS, PER_USER = 40, 60, 12
Capture = pytest.CaptureFixture[str]


def write_data(folder: Path, *, seed: int, title: str = "Title 7") -> Path:
    """A folder with ratings and items; a single item has a genre, so that diversity is undefined."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    lines = [
        f"{user},{item},{time}"
        for user in range(USERS)
        for time, item in enumerate(rng.permutation(ITEMS)[:PER_USER])
    ]
    (folder / "r.csv").write_text("\n".join(["user,item,time", *lines]) + "\n")
    titles = [
        f"{item},{title if item == 7 else f'Title {item}'},{'Drama' * (item == 0)}" for item in range(ITEMS)
    ]
    (folder / "items.csv").write_text("\n".join(["item,title,genres", *titles]) + "\n")
    return folder


def run(command: ModuleType, *arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    result: int = command.run(parser.parse_args(list(map(str, arguments))))
    return result


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("changed")
    (root / "recipe.toml").write_text(RECIPE)
    write_data(root / "month1", seed=1)
    write_data(root / "month2", seed=2)
    write_data(root / "corrected", seed=1, title="Corrected")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hanji.export.recommenders.measure.BENCHMARK_RUNS", 5)
        assert (
            run(build_command, root / "recipe.toml", "--data", root / "month1", "--out", root / "built") == 0
        )
    return root


@pytest.fixture
def built(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the output directory of the build with the first month's data."""
    monkeypatch.setattr("hanji.export.recommenders.measure.BENCHMARK_RUNS", 5)
    return shutil.copytree(root / "built", tmp_path / "built")


def content_of(bundle: Path) -> str:
    return open_bundle(bundle).manifest.training_data.content


def test_the_protocol_states_the_number_of_negatives(root: Path) -> None:
    free = ITEMS - PER_USER
    protocol = f"leave-one-out, {free} sampled negatives, ties count against the positive"
    metrics = open_bundle(root / "built" / "bundle").manifest.metrics
    assert metrics.protocol == protocol
    assert "diversity_at_10" not in {**metrics.full, **metrics.compressed}
    card = (root / "built" / "bundle" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"On the test set: {protocol}." in card
    report = json.loads((root / "built" / "report.json").read_text(encoding="utf-8"))
    assert report["protocol"] == protocol
    assert protocol in (root / "built" / "report.md").read_text(encoding="utf-8")


def test_changed_interactions_are_trained_on(
    root: Path, built: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = content_of(built / "bundle")
    for out in (built, tmp_path / "fresh"):
        assert run(build_command, root / "recipe.toml", "--data", root / "month2", "--out", out) == 0
    assert "work/trained: the data has changed; training anew" in caplog.text
    assert "training-history.npz: the data has changed; starting from the beginning" in caplog.text
    assert before != content_of(built / "bundle") == content_of(tmp_path / "fresh" / "bundle")
    reports = [json.loads((out / "report.json").read_text()) for out in (built, tmp_path / "fresh")]
    assert reports[0]["rows"][0]["metrics"] == reports[1]["rows"][0]["metrics"]


def test_a_corrected_title_reaches_the_bundle_without_training(
    root: Path, built: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(build_command, root / "recipe.toml", "--data", root / "corrected", "--out", built) == 0
    assert "the data has changed; training anew" in caplog.text
    assert "training-history.npz: resuming after epoch 1" in caplog.text
    with Recommender.open(built / "bundle") as recommender:
        assert "Corrected" in recommender.items.titles


def test_evaluate_states_whether_the_data_is_that_of_the_training(
    root: Path, capsys: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    bundle, message = root / "built" / "bundle", "books: the data has changed since the model was trained"
    assert evaluated(bundle, root / "month1", capsys)["same_data"] is True
    evaluate(bundle, root / "month1")
    assert message not in caplog.text
    assert evaluated(bundle, root / "month2", capsys)["same_data"] is False
    assert message in caplog.text
    caplog.clear()
    evaluate(bundle, root / "month2")
    assert message in caplog.text


def evaluated(bundle: Path, data: Path, capsys: Capture) -> dict[str, Any]:
    capsys.readouterr()
    assert run(evaluate_command, bundle, "--data", data, "--json") == 0
    table: dict[str, Any] = json.loads(capsys.readouterr().out)
    return table
