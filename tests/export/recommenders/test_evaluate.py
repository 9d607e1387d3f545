"""Metrics of a bundle, measured through the runtime as on a device."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.compression.recommenders.compress import uncompressed
from hanji.export import evaluate
from hanji.export.commands import evaluate as command
from hanji.export.recommenders.evaluate import evaluations_of
from hanji.export.recommenders.measure import measure_bundle
from hanji.export.recommenders.writer import export_bundle
from hanji.runtime import Recommender
from hanji.training.errors import RecipeError
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.evaluation import evaluate_protocols, one_at_a_time
from hanji.training.recommenders.protocols import PROTOCOLS
from hanji.training.recommenders.scoring import scorer_of


@pytest.fixture(scope="module")
def history_bundle(trained_history: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundles") / "history"
    return export_bundle(uncompressed(trained_history), out, formats=["tflite", "onnx"]).path


@pytest.fixture(scope="module")
def user_bundle(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundles") / "users"
    return export_bundle(uncompressed(trained), out, formats=["tflite", "onnx"]).path


def test_a_bundle_with_users_has_the_metrics_of_the_keras_model(
    trained: Any, user_bundle: Path, small_dataset: Dataset
) -> None:
    assert evaluate(user_bundle, small_dataset) == pytest.approx(trained.metrics, abs=0.006)


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
def test_a_history_bundle_has_the_metrics_of_the_keras_model(
    history_bundle: Path, trained_history: Any, small_dataset: Dataset, engine: str
) -> None:
    found = evaluate(history_bundle, small_dataset, engine=engine)
    assert found == pytest.approx(trained_history.metrics, abs=0.006)


def test_a_user_without_history_is_ranked_by_popularity(history_bundle: Path, small_dataset: Dataset) -> None:
    train = small_dataset.train
    kept = train.users != small_dataset.test.users[0]
    columns = (train.users, train.items, train.timestamps)
    without = type(train)(*(None if column is None else column[kept] for column in columns))
    changed = evaluate(history_bundle, dataclasses.replace(small_dataset, train=without))
    assert np.isfinite(list(changed.values())).all()


def test_a_report_row_is_measured_for_a_history_bundle(
    history_bundle: Path, small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hanji.export.recommenders.measure.BENCHMARK_RUNS", 5)
    row = measure_bundle(history_bundle, small_dataset, model="full", engine="litert")
    assert row.bytes == (history_bundle / "model.tflite").stat().st_size
    assert row.recommend_p50_ms > 0
    assert row.metrics["hr_at_10"] > 0.3
    found = evaluations_of(history_bundle, small_dataset, engine="litert", protocols=["full"])
    assert row.full_ranking == found["full"].metrics


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
@pytest.mark.parametrize("kind", ["users", "history"])
def test_a_bundle_has_the_metrics_of_the_keras_model_under_each_protocol(
    trained: Any,
    user_bundle: Path,
    trained_history: Any,
    history_bundle: Path,
    small_dataset: Dataset,
    kind: str,
    engine: str,
) -> None:
    full, bundle = (trained, user_bundle) if kind == "users" else (trained_history, history_bundle)
    scorer = scorer_of(full.model, small_dataset.train, small_dataset.catalogue.users)
    items = small_dataset.catalogue.items
    expected = evaluate_protocols(
        one_at_a_time(lambda user: scorer.catalogue(user, items)), small_dataset, PROTOCOLS
    )
    found = evaluations_of(bundle, small_dataset, engine=engine, protocols=PROTOCOLS)
    for name in PROTOCOLS:
        assert found[name].metrics == pytest.approx(expected[name].metrics, abs=0.006)


def test_the_catalogue_is_scored_once_for_all_protocols(
    history_bundle: Path, small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, scores = [], Recommender.scores

    def counted(self: Recommender, *arguments: Any, **options: Any) -> Any:
        calls.append(options)
        return scores(self, *arguments, **options)

    monkeypatch.setattr(Recommender, "scores", counted)
    evaluations_of(history_bundle, small_dataset, protocols=PROTOCOLS)
    assert len(calls) == len(small_dataset.test)


def run(*arguments: object) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(list(map(str, arguments)))) == 0


def test_several_protocols_are_printed_side_by_side(
    history_bundle: Path, small_dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluations_of(history_bundle, small_dataset, protocols=PROTOCOLS)
    sampled, uniform, full = (found[name].metrics for name in PROTOCOLS)
    protocols = ("--protocol", "sampled", "--protocol", "uniform", "--protocol", "full", "--protocol", "full")
    run(history_bundle, *protocols)
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == "synthetic on synthetic data (synthetic)"
    assert lines[0] == "sampled: leave-one-out, 99 sampled negatives, ties count against the positive"
    assert lines[1].startswith("uniform: leave-one-out, 100 uniformly sampled negatives, ties")
    assert lines[2].startswith(
        "full: leave-one-out, all 200 items without those of the user's training history,"
    )
    table = {cells[0]: cells[1:] for cells in map(str.split, lines[4:])}
    assert lines[3].split() == ["sampled", "uniform", "full"]
    assert table["hr_at_10"] == [f"{each['hr_at_10']:.4f}" for each in (sampled, uniform, full)]
    assert table["diversity_at_10"] == [f"{sampled['diversity_at_10']:.4f}"]
    assert table["mrr"] == [f"{full['mrr']:.4f}"]
    column = lines[3].index("full")
    assert next(line for line in lines if line.startswith("mrr"))[column:] == table["mrr"][0]


def test_json_of_several_protocols_and_of_one(
    history_bundle: Path, small_dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    found = evaluations_of(history_bundle, small_dataset, protocols=PROTOCOLS)
    about = {"bundle": "synthetic", "synthetic": True, "same_data": True}
    run(history_bundle, "--protocol", "full", "--protocol", "sampled", "--json")
    table = json.loads(capsys.readouterr().out)
    assert list(table["protocols"]) == ["full", "sampled"]
    tables = {name: {"protocol": found[name].protocol, **found[name].metrics} for name in ("full", "sampled")}
    assert table == {**about, "protocols": tables}
    run(history_bundle, "--protocol", "full", "--json")
    assert json.loads(capsys.readouterr().out) == {**about, **tables["full"]}
    run(history_bundle, "--json")
    by_default = capsys.readouterr().out
    expected = {
        "bundle": "synthetic",
        "protocol": small_dataset.test.protocol,
        "synthetic": True,
        "same_data": True,
    }
    assert by_default == json.dumps({**expected, **found["sampled"].metrics}) + "\n"
    run(history_bundle, "--protocol", "sampled", "--json")
    assert capsys.readouterr().out == by_default


def test_one_protocol_is_printed_as_before(
    history_bundle: Path, small_dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = evaluate(history_bundle, small_dataset)
    run(history_bundle)
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == f"synthetic on synthetic data (synthetic); {small_dataset.test.protocol}"
    assert lines == [f"{name:<16} {value:.4f}" for name, value in metrics.items()]


def test_the_python_api_takes_a_protocol(history_bundle: Path, small_dataset: Dataset) -> None:
    found = evaluate(history_bundle, small_dataset, protocol="full")
    assert set(found) == {"hr_at_10", "ndcg_at_10", "mrr", "coverage_at_10"}


def test_an_unknown_protocol_is_refused_before_the_data_is_read(history_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="one of the protocols sampled, uniform, full, found 'all'"):
        run(history_bundle, "--data", tmp_path / "none", "--protocol", "full", "--protocol", "all")
