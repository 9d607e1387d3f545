"""Metrics of a bundle, measured through the runtime as on a device."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.compression.recommenders.compress import uncompressed
from hanji.export.recommenders.evaluate import evaluate_bundle
from hanji.export.recommenders.measure import measure_bundle
from hanji.export.recommenders.writer import export_bundle
from hanji.training.recommenders.data import Dataset


@pytest.fixture(scope="module")
def history_bundle(trained_history: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundles") / "history"
    return export_bundle(uncompressed(trained_history), out, formats=["tflite", "onnx"]).path


def test_a_bundle_with_users_has_the_metrics_of_the_keras_model(
    trained: Any, small_dataset: Dataset, tmp_path: Path
) -> None:
    bundle = export_bundle(uncompressed(trained), tmp_path / "bundle", formats=["tflite"]).path
    assert evaluate_bundle(bundle, small_dataset) == pytest.approx(trained.metrics, abs=0.006)


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
def test_a_history_bundle_has_the_metrics_of_the_keras_model(
    history_bundle: Path, trained_history: Any, small_dataset: Dataset, engine: str
) -> None:
    found = evaluate_bundle(history_bundle, small_dataset, engine=engine)
    assert found == pytest.approx(trained_history.metrics, abs=0.006)


def test_a_user_without_history_is_ranked_by_popularity(history_bundle: Path, small_dataset: Dataset) -> None:
    train = small_dataset.train
    kept = train.users != small_dataset.test.users[0]
    columns = (train.users, train.items, train.timestamps)
    without = type(train)(*(None if column is None else column[kept] for column in columns))
    changed = evaluate_bundle(history_bundle, dataclasses.replace(small_dataset, train=without))
    assert np.isfinite(list(changed.values())).all()


def test_a_report_row_is_measured_for_a_history_bundle(
    history_bundle: Path, small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hanji.export.recommenders.measure.BENCHMARK_RUNS", 5)
    row = measure_bundle(history_bundle, small_dataset, model="full", engine="litert")
    assert row.bytes == (history_bundle / "model.tflite").stat().st_size
    assert row.recommend_p50_ms > 0
    assert row.metrics["hr_at_10"] > 0.3
