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

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hanji.compression.steps import HISTORY_SCHEMES, ROW_BITS, Distil, LowRank, Prune, Quantize, Step
from hanji.training.errors import RecipeError
from hanji.training.recipe_file import RecipeFile, read_recipe_file
from hanji.training.settings import settings_from, table_from

BUILT_IN = Path(__file__).parent / "recipes"
STEP_TYPES: dict[str, type[Step]] = {
    "distil": Distil,
    "low-rank": LowRank,
    "prune": Prune,
    "quantize": Quantize,
}


@dataclass(frozen=True)
class Recipe:
    """A named, ordered tuple of steps."""

    name: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        order = [list(STEP_TYPES).index(step_type(step)) for step in self.steps]
        if order != sorted(set(order)):
            found, allowed = " → ".join(step_type(step) for step in self.steps), " → ".join(STEP_TYPES)
            raise ValueError(f"expected each step once at most, in the order {allowed}, found {found}")

    @property
    def tables(self) -> list[dict[str, Any]]:
        """The steps as plain tables, each with its ``type`` first."""
        return [{"type": step_type(step), **table_from(step)} for step in self.steps]

    @property
    def sha256(self) -> str:
        """Of the steps with every default filled in, so that it names what was done."""
        return hashlib.sha256(json.dumps(self.tables, sort_keys=True).encode()).hexdigest()


def step_type(step: Step) -> str:
    """The word that names this step in a recipe."""
    return next(word for word, kind in STEP_TYPES.items() if isinstance(step, kind))


def recipe_from(file: RecipeFile) -> Recipe:
    """The compression recipe of a recipe file; RecipeError names the step that is wrong."""
    return recipe_of_tables(file.name, file.compression, str(file.path))


def recipe_of_tables(name: str, tables: Sequence[dict[str, Any]], where: str) -> Recipe:
    """A recipe from plain tables, each with its ``type``; ``where`` names them in errors."""
    steps = tuple(_step(table, f"{where}: compression[{index}]") for index, table in enumerate(tables))
    try:
        return Recipe(name, steps)
    except ValueError as error:
        raise RecipeError(f"{where}: {error}") from None


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


def load_recipe(name_or_path: str) -> Recipe:
    """A built-in recipe by its name, or the recipe in a TOML file."""
    built_in = BUILT_IN / f"{name_or_path}.toml"
    if built_in.is_file():
        return recipe_from(read_recipe_file(built_in))
    path = Path(name_or_path)
    if not path.suffix and not path.exists():
        raise RecipeError(
            f"no built-in recipe is called {name_or_path!r}; there are {', '.join(built_in_names())}, "
            "or give the path of a .toml file"
        )
    return recipe_from(read_recipe_file(path))


def built_in_names() -> list[str]:
    """The names of the recipes that come with hanji."""
    return sorted(path.stem for path in BUILT_IN.glob("*.toml"))


def _step(table: dict[str, Any], where: str) -> Step:
    settings = dict(table)
    kind = settings.pop("type", None)
    if kind not in STEP_TYPES:
        raise RecipeError(f"{where}: expected type to be one of {', '.join(STEP_TYPES)}, found {kind!r}")
    return settings_from(STEP_TYPES[kind], settings, where)
