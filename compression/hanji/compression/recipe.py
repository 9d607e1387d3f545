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

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from hanji.compression.recipe_base import RecipeBase
from hanji.compression.steps import HISTORY_SCHEMES, ROW_BITS, Distil, LowRank, Prune, Quantize, Step
from hanji.training.errors import RecipeError
from hanji.training.recipe_file import RecipeFile


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


def recipe_from(file: RecipeFile) -> Recipe:
    """The compression recipe of a recipe file; RecipeError names the step that is wrong."""
    return Recipe.of_file(file)


def recipe_of_tables(name: str, tables: Sequence[dict[str, Any]], where: str) -> Recipe:
    """A recipe from plain tables, each with its ``type``; ``where`` names them in errors."""
    return Recipe.of_tables(name, tables, where)


def load_recipe(name_or_path: str) -> Recipe:
    """A built-in recipe by its name, or the recipe in a TOML file."""
    return Recipe.load(name_or_path)


def built_in_names() -> list[str]:
    """The names of the recipes for recommenders that come with hanji."""
    return Recipe.built_in_names()


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
