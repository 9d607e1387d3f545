"""Inference copies of models: dropout removed, batch normalization folded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray

from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel


def inference_config(config: ModelConfig) -> ModelConfig:
    """``config`` without dropout, penalties and batch normalization."""
    return replace(
        config, dropout=0.0, embedding_dropout=0.0, embedding_regularization=0.0, batch_normalization=False
    )


def inference_model(model: keras.Model, config: ModelConfig, *, users: int, items: int) -> keras.Model:
    """A copy of ``model`` without dropout, its batch normalization folded into the preceding layers.

    Its scores equal those of ``model`` at inference, up to rounding.
    """
    bare = build_model(inference_config(config), users=users, items=items)
    if isinstance(model, HistoryModel):
        bare.set_weights(model.get_weights())
        bare.row_bits = model.row_bits
        return bare
    for layer in bare.layers:
        if layer.get_weights():
            layer.set_weights(_folded(model, layer.name))
    return bare


def _folded(model: keras.Model, name: str) -> list[NDArray[np.float32]]:
    weights = model.get_layer(name).get_weights()
    norms = [layer for layer in model.layers if layer.name == f"{name}_norm"]
    if not norms:
        return list(weights)
    gamma, beta, mean, variance = norms[0].get_weights()
    scale = gamma / np.sqrt(variance + norms[0].epsilon)
    kernel, bias = weights
    return [kernel * scale, (bias - mean) * scale + beta]
