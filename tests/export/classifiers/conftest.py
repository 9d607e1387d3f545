"""A small digit classifier under every scheme, and its bundles, made once per session."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.compression.classifiers.compress import compress_classifier, uncompressed_classifier
from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ImageQuantize
from hanji.export.bundle.files import BundleSummary
from hanji.export.classifiers.writer import export_classifier
from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.data import ImageDataConfig, ImageDataset, load_images
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.train import train_classifier
from hanji.training.classifiers.trained import TrainedClassifier

DATA = ImageDataConfig()
MODEL = ImageModelConfig(
    type="mobilenet-v1",
    stem_channels=16,
    stem_stride=1,
    channels=(32, 48),
    blocks=(1, 2),
    strides=(2, 1),
    residual=True,
)
TRAINING = ImageTrainingConfig(epochs=8, batch_size=64, optimizer="adam", learning_rate=0.005)
FLOAT_LAYER = "block_2_pointwise"


@pytest.fixture(autouse=True)
def _no_trial_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not run model files in another process first: this takes seconds for each of hundreds."""
    for module in ("files.read_model_file", "foreign.trial"):
        monkeypatch.setattr(f"hanji.compression.classifiers.{module}.call_in_child", lambda *_, **__: None)


@pytest.fixture(scope="session")
def digits() -> ImageDataset:
    return load_images(DATA, None, seed=0)


@pytest.fixture(scope="session")
def trained_classifier(digits: ImageDataset) -> TrainedClassifier:
    """A classifier that reaches about 90 % accuracy after a few seconds of training."""
    return train_classifier(digits, model=MODEL, training=TRAINING, seed=0)


@pytest.fixture(scope="session")
def classifier(
    trained_classifier: TrainedClassifier, digits: ImageDataset
) -> Callable[[str], CompressedClassifier]:
    """A function that returns the shared classifier under a scheme, ``sparse`` or ``int8-qat-float``."""
    plain = uncompressed_classifier(trained_classifier, digits.train.images[::8])

    def quantized(*float_layers: str) -> CompressedClassifier:
        step = ImageQuantize("int8-qat", calibration_images=100, epochs=1, float_layers=float_layers)
        found = compress_classifier(trained_classifier, ImageRecipe("test", (step,)), digits)
        return dataclasses.replace(found, calibration=plain.calibration)

    @functools.cache
    def made(scheme: str) -> CompressedClassifier:
        if scheme == "int8-qat":
            return quantized()
        if scheme == "int8-qat-float":
            return quantized(FLOAT_LAYER)
        if scheme == "sparse":
            return pruned(uncompressed_classifier(trained_classifier, plain.calibration))
        steps = () if scheme == "float32" else (ImageQuantize(scheme),)  # type: ignore[arg-type]
        notes = (f"{scheme}: a note.",) if steps else ()
        changes: Any = {"scheme": scheme, "recipe": ImageRecipe("test", steps), "notes": notes}
        return dataclasses.replace(plain, temperature=0.8, **changes)

    return made


def pruned(compressed: CompressedClassifier) -> CompressedClassifier:
    """Prune the 1×1 kernels to 80 % sparsity, in place, to be stored as sparse tensors."""
    for layer in compressed.model.layers:
        if layer.name.endswith("_pointwise"):
            kernel, *rest = layer.get_weights()
            kernel[np.abs(kernel) < np.quantile(np.abs(kernel), 0.8)] = 0.0
            layer.set_weights([kernel, *rest])
    return dataclasses.replace(compressed, sparse=True)


@pytest.fixture(scope="session")
def bundle(
    classifier: Callable[[str], CompressedClassifier],
    digits: ImageDataset,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], BundleSummary]:
    """A function that returns the bundle under a scheme, with all formats, exported on first use."""
    root = tmp_path_factory.mktemp("classifiers")

    @functools.cache
    def exported(scheme: str) -> BundleSummary:
        return export_classifier(classifier(scheme), root / scheme, test=digits.test)

    return exported


@pytest.fixture(scope="session")
def file(bundle: Callable[[str], BundleSummary]) -> Callable[[str, str], bytes]:
    """A function that returns the content of a file of the shared bundle under a scheme."""
    return lambda scheme, name: (bundle(scheme).path / name).read_bytes()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "bundle"
