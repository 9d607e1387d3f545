"""Fewer factors in closed form.

A history model uses its item table twice, to read the history and to score the catalogue, and everything
between can be turned with it: so the table's best approximation of lower rank (Eckart and Young 1936)
gives a whole model of lower rank. Lost are what the table loses and the part of the user vector that no
item answers to.
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
"""Kernels [embedding_size, …] that read a vector of the table's space."""

_TO_ITEMS = ("user_bias", "user_out")
"""Weights […, embedding_size] that write one."""


def low_rank(model: HistoryModel, step: LowRank, fitting: Fitting) -> HistoryModel:
    """``model`` with ``step.embedding_size`` factors, trained on for ``step.epochs``.

    RecipeError where it has no more than that.
    """
    expect_lower_rank(model.config, step)
    config = replace(model.config, embedding_size=step.embedding_size)
    smaller = HistoryModel(config, model.items)
    values = {_own_name(weight): weight.numpy() for weight in model.weights}
    directions = np.linalg.svd(values["item_table"], full_matrices=False)[2][: step.embedding_size].T
    for weight in smaller.weights:
        name = _own_name(weight)
        weight.assign(_turned(name, values[name], directions))
    if step.epochs:
        fitting.fit(smaller, fitting.schedule(step), "Training at lower rank")
    return smaller


def expect_lower_rank(config: ModelConfig, step: LowRank) -> None:
    """RecipeError where a model of this config has no more factors than the step leaves."""
    if step.embedding_size >= config.embedding_size:
        raise RecipeError(
            f"low-rank: expected fewer factors than the model's {config.embedding_size}, "
            f"found embedding_size = {step.embedding_size}"
        )


def _turned(name: str, value: Any, directions: Any) -> Any:
    """A large model's weight as the small one needs it; ``directions`` [large, small] is orthonormal."""
    if name in ("item_table", *_TO_ITEMS):
        return value @ directions
    if name == "user_kernel":
        return directions.T @ value @ directions
    return directions.T @ value if name in _FROM_ITEMS else value


def _own_name(weight: Any) -> str:
    return str(weight.name).split("/")[-1].removesuffix(":0")
