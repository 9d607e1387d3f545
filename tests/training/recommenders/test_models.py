"""Conformance tests that every model passes."""

from __future__ import annotations

import numpy as np
import pytest

from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.inference import inference_model
from hanji.training.recommenders.models.pretraining import copy_tower, tower_config
from hanji.training.recommenders.scoring import KerasScorer

USERS, ITEMS = 7, 11

CONFIGS = {
    "neumf": ModelConfig(type="neumf", embedding_size=4, mlp_embedding_size=3, hidden_units=(6, 2)),
    "gmf": ModelConfig(type="gmf", embedding_size=4),
    "mlp": ModelConfig(type="mlp", mlp_embedding_size=3, hidden_units=(6, 2)),
    "ncf": ModelConfig(
        type="ncf", embedding_size=4, hidden_units=(8, 4), dropout=0.5, batch_normalization=True
    ),
    "mf": ModelConfig(type="mf", embedding_size=4),
}


@pytest.fixture(params=CONFIGS, name="config")
def _config(request: pytest.FixtureRequest) -> ModelConfig:
    return CONFIGS[request.param]


def all_pairs() -> tuple[np.ndarray, np.ndarray]:
    users, items = np.meshgrid(np.arange(USERS), np.arange(ITEMS), indexing="ij")
    return users.ravel().astype(np.int32), items.ravel().astype(np.int32)


def test_scores_every_pair_with_one_finite_logit(config: ModelConfig) -> None:
    model = build_model(config, users=USERS, items=ITEMS)
    users, items = all_pairs()
    logits = model([users, items], training=False).numpy()
    assert logits.shape == (USERS * ITEMS, 1)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    assert len(np.unique(logits)) > ITEMS


def test_inputs_can_be_passed_by_name(config: ModelConfig) -> None:
    model = build_model(config, users=USERS, items=ITEMS)
    users, items = all_pairs()
    by_position = model([users, items], training=False).numpy()
    by_name = model({"item": items, "user": users}, training=False).numpy()
    np.testing.assert_array_equal(by_position, by_name)


def test_the_inference_model_has_the_same_scores(config: ModelConfig) -> None:
    model = build_model(config, users=USERS, items=ITEMS)
    users, items = all_pairs()
    for _ in range(20):  # changes the initial statistics of batch normalization
        model([users, items], training=True)
    bare = inference_model(model, config, users=USERS, items=ITEMS)
    expected = KerasScorer(model).pairs(users, items)
    np.testing.assert_allclose(KerasScorer(bare).pairs(users, items), expected, atol=1e-5)
    kinds = {type(layer).__name__ for layer in bare.layers}
    assert not kinds & {"Dropout", "BatchNormalization"}


def test_catalogue_scores_equal_pair_scores(config: ModelConfig) -> None:
    scorer = KerasScorer(build_model(config, users=USERS, items=ITEMS))
    users, items = all_pairs()
    grid = scorer.pairs(users, items).reshape(USERS, ITEMS)
    np.testing.assert_allclose(scorer.catalogue(3, ITEMS), grid[3], atol=1e-6)


def test_a_pre_trained_neumf_starts_as_the_mean_of_its_towers() -> None:
    config = CONFIGS["neumf"]
    fused = build_model(config, users=USERS, items=ITEMS)
    users, items = all_pairs()
    towers = []
    for tower in ("gmf", "mlp"):
        alone = build_model(tower_config(config, tower), users=USERS, items=ITEMS)
        copy_tower(alone, fused, tower)
        towers.append(KerasScorer(alone).pairs(users, items))
    np.testing.assert_allclose(KerasScorer(fused).pairs(users, items), np.mean(towers, axis=0), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"embedding_size": 0}, "embedding_size: expected at least 1"),
        ({"dropout": 1.0}, "dropout: expected at least 0 and below 1"),
        ({"embedding_regularization": -1.0}, "embedding_regularization: expected at least 0"),
        ({"type": "ncf", "hidden_units": ()}, "hidden_units: expected at least one entry for a ncf model"),
        ({"type": "neumf", "batch_normalization": True}, "batch_normalization: for ncf only"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelConfig(**settings)
