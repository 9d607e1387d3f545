"""Emulated Raspberry Pis with the runtime installed, and small bundles for them, created once per session."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from debian import MissingError
from emulated_pi import ROOT, EmulatedPi, set_up

from hanji.compression.classifiers.compress import uncompressed_classifier
from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ImageQuantize
from hanji.compression.recommenders.compressed import CompressedModel
from hanji.compression.recommenders.recipe import Recipe
from hanji.compression.recommenders.steps import ROW_BITS
from hanji.export.classifiers.writer import export_classifier
from hanji.export.recommenders.writer import export_bundle
from hanji.runtime.manifest import TrainingData
from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.data import ImageDataConfig, load_images
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.train import train_classifier
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import Catalogue
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.trained import TrainedModel

from ..left_out import missing

ITEMS = 100


class Device(NamedTuple):
    """An emulated board, its pip-installed packages (``site``), and the installed engines."""

    pi: EmulatedPi
    site: Path
    engines: tuple[str, ...]

    def run(self, *arguments: object) -> str:
        """Run a Python program on the board, which must succeed, and return its stdout."""
        done = self.pi.run(arguments, sites=[self.site])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def device() -> Callable[[str, str], Device]:
    """Creates boards with hanji-runtime and extras, such as "litert,onnx", installed by pip."""
    engines = {"litert": "litert", "onnx": "onnxruntime", "tflite": "tflite-runtime"}
    assert sorted((ROOT / "dist").glob("hanji_runtime-*.whl")), "expected dist/hanji_runtime-*.whl"

    @functools.cache
    def create(board: str, extras: str) -> Device:
        try:
            pi = set_up(board)
            site = pi.installed(extras.replace(",", "-"), [f"hanji-runtime[{extras}]"])
        except MissingError as error:
            missing(f"no emulated Pi: {error}")
        return Device(pi, site, tuple(engines[extra] for extra in extras.split(",")))

    return create


@pytest.fixture(scope="session")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Creates bundles of a small history model with random weights, by quantization scheme."""
    root = tmp_path_factory.mktemp("recommenders")

    @functools.cache
    def create(scheme: str) -> Path:
        export_bundle(_history_model(scheme), root / scheme, formats=("tflite", "onnx"))
        return root / scheme

    return create


def _history_model(scheme: str) -> CompressedModel:
    config = ModelConfig(type="history", embedding_size=8, hidden_units=(), user_units=4)
    full = HistoryModel(config, ITEMS)
    rng = np.random.default_rng(0)
    full.set_weights([rng.normal(0, 0.4, weight.shape) for weight in full.get_weights()])
    small = HistoryModel(config, ITEMS, row_bits=ROW_BITS.get(scheme))
    small.set_weights(full.get_weights())
    numbers = range(ITEMS)
    catalogue = Catalogue(
        user_ids=tuple(numbers),
        item_ids=tuple(f"item-{number}" for number in numbers),
        titles=tuple(f"Title {number}" for number in numbers),
        genres=tuple(() for _ in numbers),
        popularity=tuple(numbers),
    )
    data = TrainingData("small", "synthetic", True, "CC0", ITEMS, ITEMS, 500, {"format": "synthetic"})
    metrics = {"hr_at_10": 0.5, "ndcg_at_10": 0.25}
    trained = TrainedModel(full, catalogue, metrics, config, TrainingConfig(), data, seed=0)
    return CompressedModel(small, config, scheme, Recipe("test", ()), metrics, trained)


@pytest.fixture(scope="session")
def int8_classifier() -> CompressedClassifier:
    """A small int8 classifier of digits, trained briefly."""
    digits = load_images(ImageDataConfig(), None, seed=0)
    model = ImageModelConfig(
        type="mobilenet-v1",
        stem_channels=8,
        stem_stride=1,
        channels=(16, 24),
        blocks=(1, 2),
        strides=(2, 1),
        residual=True,
    )
    training = ImageTrainingConfig(epochs=2, batch_size=64, optimizer="adam", learning_rate=0.005)
    trained = train_classifier(digits, model=model, training=training, seed=0)
    plain = uncompressed_classifier(trained, digits.train.images[:64])
    return dataclasses.replace(plain, scheme="int8", recipe=ImageRecipe("test", (ImageQuantize("int8"),)))


@pytest.fixture(scope="session")
def classifier(int8_classifier: CompressedClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the int8 classifier."""
    out = tmp_path_factory.mktemp("classifiers") / "bundle"
    export_classifier(int8_classifier, out, formats=("tflite", "onnx"))
    return out


@pytest.fixture(scope="session")
def int8_file(int8_classifier: CompressedClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The integer-only network of the int8 classifier, as required for the Edge TPU."""
    out = tmp_path_factory.mktemp("integers") / "bundle"
    export_classifier(int8_classifier, out, formats=("tflite",), edge_tpu=True)
    return out / "model.tflite"
