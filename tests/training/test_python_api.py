"""The Python API of the stages: fast to import, typed, with clear errors for invalid arguments."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hanji.compression import compress, load_compressed
from hanji.export import build, evaluate, export_bundle
from hanji.training import (
    DataConfig,
    DataError,
    Dataset,
    ImageModelConfig,
    ImageTrainingConfig,
    load_dataset,
    load_trained,
    train,
)

STAGES = ("training", "compression", "export", "studies")


def test_imports_are_silent_and_load_no_heavy_library() -> None:
    code = (
        "import importlib, sys\n"
        f"for stage in {STAGES}:\n"
        "    package = importlib.import_module(f'hanji.{stage}')\n"
        "    for name in package.__all__: getattr(package, name)\n"
        "heavy = {'tensorflow', 'tf_keras', 'onnx', 'onnxruntime', 'ai_edge_litert', 'sklearn'}\n"
        "heavy |= {'pyarrow', 'duckdb'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_reference_models_load_no_tensorflow() -> None:
    code = "import sys, hanji.training.recommenders.baselines.baselines; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("stage", STAGES)
def test_each_public_name_is_documented(stage: str) -> None:
    package = importlib.import_module(f"hanji.{stage}")
    assert package.__all__
    for name in package.__all__:
        assert getattr(package, name).__doc__, name
    with pytest.raises(AttributeError):
        _ = package.no_such_name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda data: train("ml-1m"), "dataset: expected Dataset or ImageDataset, found str"),
        (lambda data: train(data, ImageModelConfig()), "model: expected ModelConfig, found ImageModelConfig"),
        (
            lambda data: train(data, training=ImageTrainingConfig()),
            "training: expected TrainingConfig, found ImageTrainingConfig",
        ),
        (
            lambda data: load_dataset({"format": "csv"}),
            "config: expected DataConfig or ImageDataConfig, found dict",
        ),
        (lambda data: compress(data, "small", data), "model: expected TrainedModel, found Dataset"),
        (lambda data: compress(None, 4, data), "recipe: expected Recipe, found int"),
        (lambda data: compress(None, "small", [1]), "dataset: expected Dataset or ImageDataset, found list"),
        (lambda data: train(data, work=3), "work: expected a path, found int"),
        (lambda data: train(data, seed="1"), "seed: expected an integer, found str"),
        (lambda data: train(data, on_epoch=1), "on_epoch: expected a function, found int"),
        (lambda data: build(None), "recipe: expected a path, found NoneType"),
        (
            lambda data: export_bundle(data, "out/never"),
            "compressed: expected CompressedModel or CompressedClassifier, found Dataset",
        ),
    ],
)
def test_errors_name_an_argument_of_the_wrong_type(small_dataset: Dataset, call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(small_dataset)


def test_other_directories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a directory written by `hanji train`"):
        load_trained(tmp_path)
    with pytest.raises(DataError, match="expected a directory written by `hanji compress`"):
        load_compressed(tmp_path / "none")


def test_a_dataset_keeps_its_config(small_dataset: Dataset, small_config: DataConfig) -> None:
    assert small_dataset.config == small_config


def test_evaluate_refuses_other_directories(tmp_path: Path) -> None:
    from hanji.runtime import BundleError

    with pytest.raises(BundleError):
        evaluate(tmp_path)
