"""Initialization of a fused NeuMF from two separately trained towers (He et al. 2017, section 3.4.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import tf_keras as keras

from hanji.training.recommenders.models.config import ModelConfig

Tower = Literal["gmf", "mlp"]
TRADE_OFF = 0.5  # the paper's alpha: both towers start with equal weight


def tower_config(config: ModelConfig, tower: Tower) -> ModelConfig:
    """The config of this tower of ``config`` as a model of its own."""
    return replace(config, type=tower)


def copy_tower(alone: keras.Model, fused: keras.Model, tower: Tower) -> None:
    """Copy a tower's layers by name, and its head scaled by the trade-off."""
    heads = {"gmf": "gmf_head", "mlp": "head"}
    shared = {layer.name for layer in fused.layers} - {"head"}
    for layer in alone.layers:
        if layer.name in shared and layer.get_weights():
            fused.get_layer(layer.name).set_weights(layer.get_weights())
    kernel, bias = alone.get_layer("head").get_weights()
    fused.get_layer(heads[tower]).kernel.assign(TRADE_OFF * kernel)
    fused.get_layer("head").bias.assign_add(TRADE_OFF * bias)
