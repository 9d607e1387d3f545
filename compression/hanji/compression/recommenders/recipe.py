"""Recipes for recommenders.

A recipe is the ``[[compression]]`` part of a TOML file, one table per step::

    name = "small"

    [[compression]]
    type = "distil"
    embedding_size = 32

    [[compression]]
    type = "quantize"
    scheme = "int8-qat"
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from hanji.compression.recipe_base import RecipeBase
from hanji.compression.recommenders.steps import (
    HISTORY_SCHEMES,
    ROW_BITS,
    Distil,
    LowRank,
    Prune,
    Quantize,
    Scheme,
    Step,
)
from hanji.training.errors import RecipeError
from hanji.training.recommenders.models.config import ModelConfig, check_embedding


class Recipe(RecipeBase[Step]):
    """A named, ordered tuple of steps for a recommender."""

    step_types: ClassVar = {
        "distil": Distil,
        "low-rank": LowRank,
        "prune": Prune,
        "quantize": Quantize,
    }
    task = "recommendation"
    built_in = Path(__file__).parent / "recipes"

    @property
    def scheme(self) -> Scheme:
        """The scheme of the exported artifacts."""
        found = (step.artifact_scheme for step in self.steps if isinstance(step, Quantize))
        return next(found, "float32")


def check_recipe(recipe: Recipe, model_type: str) -> None:
    """RecipeError for a step that this type of model does not support; called before any training starts."""
    problem = next(filter(None, (_obstacle(step, model_type == "history") for step in recipe.steps)), None)
    if problem:
        raise RecipeError(f"recipe {recipe.name!r}, model type {model_type!r}: {problem}")


def check_sizes(recipe: Recipe, model: ModelConfig, items: int) -> None:
    """RecipeError if the model or a step has more factors than a catalogue of ``items`` allows."""
    check_embedding(model, items)
    for index, step in enumerate(recipe.steps):
        if isinstance(step, Distil | LowRank):
            check_embedding(
                replace(model, embedding_size=step.embedding_size), items, f"compression[{index}]"
            )


def _obstacle(step: Step, history: bool) -> str | None:
    """Why a step is not supported by a ``history`` model, or by another type; None if it is."""
    row_wise = isinstance(step, Quantize) and step.scheme in ROW_BITS
    if history and isinstance(step, Prune):
        return (
            "prune: zeros do not make row-wise quantized embeddings smaller; use low-rank or a smaller "
            "embedding_size"
        )
    if history and isinstance(step, Quantize) and step.scheme not in HISTORY_SCHEMES:
        return f"quantize: expected int8-rows, int4-rows or float16, found {step.scheme}"
    if not history and isinstance(step, LowRank):
        return "low-rank: expected a history model; use distil with a smaller embedding_size"
    if not history and row_wise:
        return "quantize: row-wise schemes expect a history model; use int8 or int8-qat"
    return None
