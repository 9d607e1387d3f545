"""Low-rank approximation of a history model in closed form.

A history model uses its item embeddings twice, to encode the history and to score the catalogue, and all
weights in between can be rotated with them: so their best approximation of lower rank (Eckart and Young 1936)
yields a complete model of lower rank. Only the error of that approximation and the part of the user vector
that is orthogonal to all items are lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hanji.compression.recommenders.fitting import Fitting
from hanji.compression.recommenders.steps import LowRank
from hanji.training.errors import RecipeError
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel

_FROM_ITEMS = ("user_in", "attention_item", "attention_user", "tower_item", "tower_0")
"""Kernels [embedding_size, …] with inputs in the embedding space."""

_TO_ITEMS = ("user_bias", "user_out")
"""Weights […, embedding_size] with outputs in the embedding space."""


def low_rank(model: HistoryModel, step: LowRank, fitting: Fitting) -> HistoryModel:
    """``model`` with ``step.embedding_size`` factors, fine-tuned for ``step.epochs``.

    RecipeError if the model does not have more factors than that.
    """
    expect_lower_rank(model.config, step)
    config = replace(model.config, embedding_size=step.embedding_size)
    smaller = HistoryModel(config, model.items)
    values = {_short_name(weight): weight.numpy() for weight in model.weights}
    directions = np.linalg.svd(values["item_table"], full_matrices=False)[2][: step.embedding_size].T
    for weight in smaller.weights:
        name = _short_name(weight)
        weight.assign(_projected(name, values[name], directions))
    if step.epochs:
        fitting.fit(smaller, fitting.schedule(step), "Training at lower rank")
    return smaller


def expect_lower_rank(config: ModelConfig, step: LowRank) -> None:
    """RecipeError unless a model of this config has more factors than the step keeps."""
    if step.embedding_size >= config.embedding_size:
        raise RecipeError(
            f"low-rank: expected fewer factors than the model's {config.embedding_size}, "
            f"found embedding_size = {step.embedding_size}"
        )


def _projected(name: str, value: Any, directions: Any) -> Any:
    """The large model's weight projected to the small one; ``directions`` [large, small] is orthonormal."""
    if name in ("item_table", *_TO_ITEMS):
        return value @ directions
    if name == "user_kernel":
        heads = value.reshape(-1, *directions.shape[:1], value.shape[1])
        return np.concatenate([directions.T @ head @ directions for head in heads])
    return directions.T @ value if name in _FROM_ITEMS else value


def _short_name(weight: Any) -> str:
    return str(weight.name).split("/")[-1].removesuffix(":0")
