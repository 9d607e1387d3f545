"""Small compressed models with weights similar to trained ones, and their bundles, made once per session."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from hanji.compression.recommenders.compressed import CompressedModel
from hanji.compression.recommenders.fake_quantization import fake_quantized
from hanji.compression.recommenders.recipe import Recipe
from hanji.compression.recommenders.steps import ROW_BITS, Quantize
from hanji.export.formats.tfjs_node import TfjsMissingError, TfjsNode, find_tfjs
from hanji.export.recommenders.writer import BundleSummary, export_bundle
from hanji.runtime.manifest import TrainingData
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import Catalogue
from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.trained import TrainedModel

USERS, ITEMS = 120, 200
METRICS = {"hr_at_10": 0.5, "ndcg_at_10": 0.25}
HISTORY_KINDS = {
    "history": {"user_units": 6},
    "attention": {"user_units": 6, "history_pooling": "attention"},
    "timescales": {"user_units": 6, "history_pooling": "timescales", "history_ages": 9},
    "tower": {"hidden_units": (8, 4)},
}


def compressed_model(kind: str = "neumf", scheme: str = "float32", *, items: int = ITEMS) -> CompressedModel:
    """An untrained model: tables and biases are random, activation ranges are calibrated."""
    if kind in HISTORY_KINDS:
        return _history_model(kind, scheme, items)
    keras.utils.set_random_seed(0)
    config = ModelConfig(
        type=kind, embedding_size=12, mlp_embedding_size=8, hidden_units=(16, 8), embedding_stddev=0.5
    )
    model = build_model(config, users=USERS, items=items)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense) and layer.use_bias:
            layer.bias.assign(rng.normal(0, 0.1, layer.bias.shape))
    small = _calibrated(fake_quantized(model), items) if scheme == "int8" else model
    steps = () if scheme == "float32" else (Quantize(scheme=scheme),)
    return CompressedModel(small, config, scheme, Recipe("test", steps), METRICS, _full(model, config, items))


def _history_model(kind: str, scheme: str, items: int) -> CompressedModel:
    options = {"embedding_size": 12, "hidden_units": (), **HISTORY_KINDS[kind]}
    config = ModelConfig(type="history", **options)
    full = HistoryModel(config, items)
    rng = np.random.default_rng(0)
    full.set_weights([rng.normal(0, 0.4, weight.shape) for weight in full.get_weights()])
    small = HistoryModel(config, items, row_bits=ROW_BITS.get(scheme))
    small.set_weights(full.get_weights())
    return CompressedModel(small, config, scheme, Recipe("test", ()), METRICS, _full(full, config, items))


def _full(model: keras.Model, config: ModelConfig, items: int) -> TrainedModel:
    return TrainedModel(model, _catalogue(items), METRICS, config, TrainingConfig(), _data(items), seed=0)


def _calibrated(model: keras.Model, items: int) -> keras.Model:
    everything = tf.range(items, dtype=tf.int32)
    observe = tf.function(lambda user: model([tf.fill([items], user), everything], training=True))
    for user in range(USERS):
        observe(tf.constant(user))
    return model


def _catalogue(items: int) -> Catalogue:
    return Catalogue(
        user_ids=tuple(range(1000, 1000 + USERS)),
        item_ids=tuple(f"item-{number}" for number in range(items)),
        titles=tuple(f"아이템 {number} | ½" for number in range(items)),
        genres=tuple(("Drama", "Comedy")[: number % 3] for number in range(items)),
        popularity=tuple(range(items)),
    )


def _data(items: int) -> TrainingData:
    return TrainingData("small", "synthetic", True, "CC0", USERS, items, 1234, {"format": "synthetic"})


@pytest.fixture(scope="session")
def fresh() -> Callable[..., CompressedModel]:
    """A function that makes a new model, which a test may modify."""
    return compressed_model


@pytest.fixture(scope="session")
def compressed() -> Callable[..., CompressedModel]:
    """A function that returns a model shared by all tests."""
    return functools.cache(compressed_model)


@pytest.fixture(scope="session")
def bundle(
    compressed: Callable[..., CompressedModel], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], BundleSummary]:
    """A function that returns the bundle of a shared model in all formats, exported on first use."""
    root = tmp_path_factory.mktemp("bundles")

    @functools.cache
    def exported(kind: str, scheme: str) -> BundleSummary:
        return export_bundle(compressed(kind, scheme), root / f"{kind}-{scheme}")

    return exported


@pytest.fixture(scope="session")
def tfjs() -> TfjsNode:
    try:
        return find_tfjs()
    except TfjsMissingError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI requires TF.js in Node: {error}")
        pytest.skip(f"TF.js in Node is not available: {error}")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user cache directory without any installed packages."""
    cache = tmp_path / "cache"
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: cache / name)
    return cache
