"""Recipes: which steps, with which numbers, in which order.

A recipe is the ``[[compression]]`` part of a TOML file, one table a step::

    name = "small"

    [[compression]]
    type = "distil"
    embedding_size = 32

    [[compression]]
    type = "quantize"
    scheme = "int8-qat"
"""

from __future__ import annotations

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
        """What the exported artifacts hold."""
        found = (step.artifact_scheme for step in self.steps if isinstance(step, Quantize))
        return next(found, "float32")


def check_recipe(recipe: Recipe, model_type: str) -> None:
    """RecipeError where a step does not fit the kind of model, before anything long begins."""
    problem = next(filter(None, (_misfit(step, model_type == "history") for step in recipe.steps)), None)
    if problem:
        raise RecipeError(f"recipe {recipe.name!r}, model type {model_type!r}: {problem}")


def _misfit(step: Step, history: bool) -> str | None:
    by_rows = isinstance(step, Quantize) and step.scheme in ROW_BITS
    if history and isinstance(step, Prune):
        return (
            "prune: rows of few bits do not get smaller by zeros; take low-rank or a smaller embedding_size"
        )
    if history and isinstance(step, Quantize) and step.scheme not in HISTORY_SCHEMES:
        return f"quantize: expected int8-rows, int4-rows or float16, found {step.scheme}"
    if not history and isinstance(step, LowRank):
        return "low-rank: expected a history model; take distil with a smaller embedding_size"
    if not history and by_rows:
        return "quantize: rows of few bits are for history models; take int8 or int8-qat"
    return None
