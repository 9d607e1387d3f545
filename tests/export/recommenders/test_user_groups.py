"""Metrics by group of users: through the runtime, in studies and on the command line; never in a bundle."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.compression.recommenders.compress import uncompressed
from hanji.export.commands import evaluate as command
from hanji.export.recommenders.evaluate import evaluations_of
from hanji.export.recommenders.writer import export_bundle
from hanji.studies.recommenders.outcomes import ranking_outcomes
from hanji.studies.recommenders.slices import ranking_slices
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.group_metrics import lines_of, metrics_by_group
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.train import train


@pytest.fixture(scope="module")
def dataset(small_dataset: Dataset) -> Dataset:
    clubs = tuple("red" if user % 4 else "blue" for user in range(small_dataset.catalogue.users))
    return replace(small_dataset, user_attributes={"club": clubs})


@pytest.fixture(scope="module")
def bundle(trained_history: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("groups") / "bundle"
    return export_bundle(uncompressed(trained_history), out, formats=["tflite"]).path


def test_metrics_are_means_over_the_rows_of_a_group() -> None:
    ranks = np.array([0, 3, 50, 1] * 5, np.int64)
    attributes = {"club": tuple("ab" * 10), "single": ("x",) + ("",) * 19}
    one, two = metrics_by_group(ranks, np.arange(20, dtype=np.int32), attributes)
    assert (one.attribute, one.value, one.rows, one.hr_at_10) == ("club", "a", 10, 0.5)
    assert one.hr_margin == pytest.approx(1.96 * np.sqrt(0.25 / 10))
    assert (two.value, two.hr_at_10) == ("b", 1.0)
    assert two.ndcg_at_10 == pytest.approx((1 / np.log2(5) + 1 / np.log2(3)) / 2)
    assert lines_of([one, two])[0] == "by club (± is a 95 % interval)"
    assert lines_of([]) == []


def test_groups_add_up_to_all_users(bundle: Path, dataset: Dataset) -> None:
    found = evaluations_of(bundle, dataset)["sampled"]
    blue, red = found.groups
    assert (blue.value, red.value) == ("blue", "red") and blue.rows + red.rows == len(dataset.test)
    together = (blue.rows * blue.hr_at_10 + red.rows * red.hr_at_10) / len(dataset.test)
    assert together == pytest.approx(found.metrics["hr_at_10"])


def test_slices_of_a_study_have_the_same_values(bundle: Path, dataset: Dataset) -> None:
    outcomes = ranking_outcomes(bundle, dataset, engine="litert", part="test", seed=0)
    slices = {part.name: part.mask for part in ranking_slices(dataset) if part.group == "club"}
    for group in evaluations_of(bundle, dataset, engine="litert")["sampled"].groups:
        hits = outcomes.each("hr_at_10")[slices[group.value]]
        assert hits.mean() == pytest.approx(group.hr_at_10)


def evaluate(*arguments: str) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(arguments)) == 0


def test_evaluate_prints_them_and_no_bundle_has_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    pairs = [(user, item) for user in range(30) for item in rng.choice(40, 8, replace=False)]
    rows = [f"{user},{item},{place}" for place, (user, item) in enumerate(pairs)]
    (folder / "plays.csv").write_text("\n".join(["user,item,time", *rows]) + "\n")
    users = [f"{user},{'secretive' if user % 2 else 'outspoken'}" for user in range(30)]
    (folder / "people.csv").write_text("\n".join(["user,temper", *users]) + "\n")
    config = DataConfig(name="plays", format="table", ratings="plays.csv", users="people.csv")
    model = ModelConfig(type="history", embedding_size=4, hidden_units=())
    trained = train(load_dataset(config, folder), model, TrainingConfig(epochs=1, batch_size=16), seed=0)
    bundle = export_bundle(uncompressed(trained), tmp_path / "bundle", formats=["tflite"]).path
    content = b"".join(path.read_bytes() for path in bundle.rglob("*") if path.is_file())
    assert b"secretive" not in content and b"people.csv" in content
    evaluate(str(bundle), "--data", str(folder))
    assert "by temper (± is a 95 % interval)\n  outspoken " in capsys.readouterr().out
    evaluate(str(bundle), "--data", str(folder), "--json")
    table = json.loads(capsys.readouterr().out)
    assert [group["value"] for group in table["groups"]] == ["outspoken", "secretive"]
