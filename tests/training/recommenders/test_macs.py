"""Multiply-accumulates per request, compared with hand-computed counts of small models."""

from __future__ import annotations

import pytest
import tensorflow as tf

from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.macs import catalogue_macs

ITEMS = 11


@pytest.mark.parametrize(
    ("config", "folded", "macs"),
    [
        (ModelConfig(type="mf", embedding_size=4), True, 11 * 4),
        (ModelConfig(type="gmf", embedding_size=4), False, 11 * 4),
        (ModelConfig(type="mlp", mlp_embedding_size=3, hidden_units=(6, 2)), False, 11 * (6 * 6 + 6 * 2 + 2)),
        (ModelConfig(type="mlp", mlp_embedding_size=3, hidden_units=(6, 2)), True, 3 * 6 + 11 * (6 * 2 + 2)),
        (ModelConfig(type="ncf", embedding_size=4, hidden_units=(8,)), False, 11 * (12 * 8 + 8)),
        (ModelConfig(type="ncf", embedding_size=4, hidden_units=(8,)), True, 4 * 8 + 11 * (4 * 8 + 8)),
        (
            ModelConfig(type="neumf", embedding_size=4, mlp_embedding_size=3, hidden_units=(6,)),
            True,
            11 * 4 + 3 * 6 + 11 * 6,
        ),
        (
            ModelConfig(type="history", embedding_size=4, hidden_units=(), history_pooling="sum"),
            True,
            4 * 4 + 11 * 4,
        ),
        (
            ModelConfig(
                type="history",
                embedding_size=4,
                hidden_units=(),
                user_units=5,
                history_pooling="timescales",
                history_heads=3,
            ),
            True,
            3 * 4 * 4 + 2 * 4 * 5 + 11 * 4,
        ),
        (
            ModelConfig(
                type="history",
                embedding_size=4,
                hidden_units=(6, 2),
                user_units=5,
                history_pooling="sum",
            ),
            True,
            4 * 4 + 2 * 4 * 5 + 11 * 4 + 4 * 6 + 11 * (6 * 2 + 2),
        ),
    ],
)
def test_counts_equal_hand_computed_ones(config: ModelConfig, folded: bool, macs: int) -> None:
    assert catalogue_macs(config, ITEMS, folded=folded) == macs


def test_attention_has_no_count() -> None:
    config = ModelConfig(type="history", history_pooling="attention", hidden_units=())
    assert catalogue_macs(config, ITEMS, folded=True) is None


def test_counts_equal_the_sizes_of_the_kernels() -> None:
    config = ModelConfig(type="ncf", embedding_size=4, hidden_units=(8, 3))
    model = build_model(config, users=7, items=ITEMS)
    kernels = [int(tf.size(layer.kernel)) for layer in model.layers if hasattr(layer, "kernel")]
    assert catalogue_macs(config, ITEMS, folded=False) == ITEMS * sum(kernels)
