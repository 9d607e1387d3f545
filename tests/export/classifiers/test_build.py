"""Builds of image recipes: every stage, and resuming; the evaluate and export commands."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import hanji.compression.classifiers.compress as compress_module
import hanji.export.classifiers.measure as measure
import hanji.export.pipeline as stages
import hanji.training.classifiers.train as train_module
from hanji.compression.classifiers.compressed import save_compressed_classifier
from hanji.compression.recommenders.compressed import save_compressed
from hanji.export.classifiers.evaluate import classifier_test_set, evaluate_classifier_bundle
from hanji.export.commands import build as build_command
from hanji.export.commands import evaluate as evaluate_command
from hanji.export.commands import export as export_command
from hanji.export.pipeline import plan_of
from hanji.runtime import Classifier
from hanji.training.errors import DataError, HanjiError, RecipeError
from hanji.training.recipe_file import read_recipe_file

RECIPE = """
name = "tiny"
task = "image-classification"
seed = 3

[model]
type = "mobilenet-v1"
stem_channels = 8
stem_stride = 1
channels = [16, 24]
blocks = [1, 1]
strides = [2, 1]

[training]
epochs = 3
batch_size = 64
optimizer = "adam"
learning_rate = 0.005

[[compression]]
type = "quantize"
scheme = "int8"
calibration_images = 64

[export]
formats = ["tflite", "onnx"]
"""


def run(command: ModuleType, *arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    result: int = command.run(parser.parse_args(list(map(str, arguments))))
    return result


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def built(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output directory of `hanji build`."""
    out = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(measure, "BENCHMARK_RUNS", 5)
        assert run(build_command, recipe, "--out", out) == 0
    return out


def test_a_build_writes_bundles_and_reports(built: Path) -> None:
    report = json.loads((built / "report.json").read_text())
    rows = [(row["model"], row["engine"].split()[0], row["precision"]) for row in report["rows"]]
    assert rows == [
        ("full", "litert", "float32"),
        ("full", "onnxruntime", "float32"),
        ("compressed", "litert", "int8"),
        ("compressed", "onnxruntime", "int8"),
    ]
    for row in report["rows"]:
        assert row["bytes"] > row["gzip_bytes"] > 1000
        assert row["classify_p50_ms"] > row["engine_p50_ms"] > 0
        assert row["macs"] > row["parameters"] > 500
        assert {"top1", "macro_top1", "nll", "ece"} == set(row["metrics"])
        assert row["metrics"]["top1"] > 0.3
    assert len(report["step_metrics"]) == len(report["steps"]) == 1
    assert set(report["seconds"]) == {"train", "compress", "export", "measure"}
    assert report["pictures"]["test"] == 359
    page = (built / "report.md").read_text()
    assert "| model | format | top-1 | macro |" in page
    assert "times smaller" in page
    for name in ("bundle", "full"):
        with Classifier.open(built / name) as classifier:
            assert classifier.self_test().passed


def test_a_repeated_build_reuses_finished_stages(
    built: Path, recipe: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def again(*arguments: Any, **options: Any) -> None:
        raise AssertionError("this stage is already finished")

    monkeypatch.setattr(train_module, "train_classifier", again)
    monkeypatch.setattr(compress_module, "compress_classifier", again)
    monkeypatch.setattr(measure, "BENCHMARK_RUNS", 5)
    before = (built / "bundle" / "manifest.json").read_bytes()
    assert run(build_command, recipe, "--out", built, "--json") == 0
    captured = capsys.readouterr()
    assert "the model that was trained with these settings" in captured.err
    assert "the model that was compressed with these settings" in captured.err
    assert json.loads(captured.out)["name"] == "tiny"
    assert (built / "bundle" / "manifest.json").read_bytes() == before


def test_a_changed_recipe_recompresses_without_retraining(built: Path, recipe: Path, tmp_path: Path) -> None:
    changed = tmp_path / "tiny.toml"
    changed.write_text(RECIPE.replace('"int8"', '"float16"'))
    plan = plan_of(read_recipe_file(changed))
    content = plan.task.load(plan.data, None, seed=plan.file.seed).content
    trained = stages.earlier_trained(plan, content, built / "work")
    assert trained is not None
    assert stages.earlier_compressed(plan, trained, built / "work") is None
    other_seed = plan_of(read_recipe_file(recipe, seed=4))
    assert stages.earlier_trained(other_seed, content, built / "work") is None


def test_a_model_of_other_data_is_not_reused(
    built: Path, recipe: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    plan = plan_of(read_recipe_file(recipe))
    assert stages.earlier_trained(plan, "0" * 64, built / "work") is None
    assert "trained: the data has changed; training anew" in caplog.text
    earlier = shutil.copytree(built / "work", tmp_path / "work")
    about = json.loads((earlier / "trained" / "classifier.json").read_text())
    content = about["data"].pop("content")
    (earlier / "trained" / "classifier.json").write_text(json.dumps(about))
    assert stages.earlier_trained(plan, content, earlier) is None
    assert "does not record the data that it was made from" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("stem_stride = 1", "stem_strid = 1", "model: unknown key 'stem_strid'"),
        ('scheme = "int8"', 'scheme = "int4"', "scheme: expected one of"),
        ('formats = ["tflite", "onnx"]', "formats = []", "formats must name each format once"),
        ('formats = ["tflite", "onnx"]', 'unknown_user = "error"', "export: unknown key 'unknown_user'"),
        ('task = "image-classification"', "", "model: unknown key"),
    ],
)
def test_an_invalid_recipe_is_rejected_before_any_stage_starts(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace(old, new))
    with pytest.raises(RecipeError, match=message):
        run(build_command, path, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
def test_evaluate_reproduces_the_reported_metrics(
    built: Path, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    report = json.loads((built / "report.json").read_text())
    assert run(evaluate_command, built / "bundle", "--engine", engine, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    row = next(row for row in report["rows"][2:] if row["engine"].startswith(engine))
    assert found["top1"] == pytest.approx(row["metrics"]["top1"])
    assert run(evaluate_command, built / "bundle", "--engine", engine) == 0
    assert "359 test images" in capsys.readouterr().out


def test_protocols_are_for_recommenders(built: Path) -> None:
    with pytest.raises(
        RecipeError, match="'full' is for recommenders, but the task of this bundle is image-"
    ):
        run(evaluate_command, built / "bundle", "--protocol", "full")


def test_a_bundle_has_the_metrics_of_the_keras_model(bundle: Any, classifier: Any, digits: Any) -> None:
    from hanji.training.classifiers.evaluation import evaluate_classifier

    compressed = classifier("float32")
    expected = evaluate_classifier(
        compressed.model, digits.test, compressed.full.image_input, temperature=compressed.temperature
    )
    assert evaluate_classifier_bundle(bundle("float32").path, digits) == pytest.approx(expected, abs=1e-4)


def test_evaluating_on_data_with_other_classes_is_an_error(bundle: Any, digits: Any) -> None:
    import dataclasses

    other = dataclasses.replace(digits, labels=tuple("abcdefghij"))
    with pytest.raises(DataError, match="does not know 10 of the data's 10 classes"):
        evaluate_classifier_bundle(bundle("float32").path, other)
    with Classifier.open(bundle("float32").path) as opened:
        assert len(classifier_test_set(opened.manifest, None).test) == len(digits.test)


def test_a_compressed_classifier_is_exported_by_command(
    classifier: Any, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_compressed_classifier(classifier("float16"), tmp_path / "compressed")
    assert run(export_command, tmp_path / "compressed", "--out", out, "--formats", "tflite") == 0
    assert "tflite float16" in capsys.readouterr().out
    with pytest.raises(RecipeError, match="a classifier has no ids"):
        run(export_command, tmp_path / "compressed", "--out", out, "--unknown-user", "error")
    with pytest.raises(HanjiError, match="hanji compress"):
        run(export_command, tmp_path / "nothing", "--out", out)


def test_the_data_option_is_rejected_for_a_recommender(compressed: Any, tmp_path: Path, out: Path) -> None:
    save_compressed(compressed("mf"), tmp_path / "compressed")
    with pytest.raises(RecipeError, match="--data is for image classifiers"):
        run(export_command, tmp_path / "compressed", "--out", out, "--data", tmp_path)
