"""A grid of recipes: a list of alternatives for each step, and every combination that the task takes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hanji.compression.task import task_named
from hanji.studies.variant import Variant
from hanji.training.errors import RecipeError
from hanji.training.recipe_file import RecipeFile


@dataclass(frozen=True)
class Alternative:
    """One way to take a step; ``table`` is None where the step is left out."""

    label: str
    table: dict[str, Any] | None


def grid_of(table: Mapping[str, Any], base: RecipeFile, where: str) -> dict[str, tuple[Alternative, ...]]:
    """The alternatives of each step that the grid names, in the task's order of steps."""
    steps = tuple(task_named(base.task).recipe.step_types)
    for step, rows in table.items():
        if step not in steps:
            raise RecipeError(f"{where}: unknown step {step!r}; the steps are {', '.join(steps)}")
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise RecipeError(f"{where}.{step}: expected a list of tables, such as [{{}}, {{ … }}]")
    return {step: _alternatives(step, table[step], f"{where}.{step}") for step in steps if step in table}


def combinations(
    grid: Mapping[str, Sequence[Alternative]], base: RecipeFile
) -> tuple[list[Variant], list[str]]:
    """Every combination of one alternative a step that is a recipe, and why others are none."""
    variants, skipped = [], []
    for chosen in itertools.product(*grid.values()) if grid else ():
        variant = variant_of(chosen)
        if not variant.tables:
            continue  # the full model, which is part of every study
        try:
            variant.check(base, "grid")
        except RecipeError as error:
            skipped.append(str(error))
        else:
            variants.append(variant)
    return variants, skipped


def variant_of(chosen: Sequence[Alternative]) -> Variant:
    """The recipe of one alternative a step."""
    taken = [one for one in chosen if one.table is not None]
    name = " · ".join(one.label for one in taken) or "float32"
    return Variant(name, tuple(one.table for one in taken if one.table is not None))


def _alternatives(step: str, rows: Sequence[dict[str, Any]], where: str) -> tuple[Alternative, ...]:
    found = tuple(_alternative(step, row) for row in rows)
    labels = [one.label for one in found]
    if len(set(labels)) < len(labels):
        raise RecipeError(f"{where}: expected every alternative to have a label of its own, found {labels}")
    return found


def _alternative(step: str, row: dict[str, Any]) -> Alternative:
    if not row:
        return Alternative(f"no {step}", None)
    table = {key: value for key, value in row.items() if key != "label"}
    return Alternative(str(row.get("label") or _words(step, table)), {"type": step, **table})


def _words(step: str, table: Mapping[str, Any]) -> str:
    """A label for an alternative that has none."""
    if "scheme" in table:
        return str(table["scheme"])
    plain = [f"{key} {value}" for key, value in table.items() if not isinstance(value, dict)]
    return " ".join([step, *plain])


__all__ = ["Alternative", "combinations", "grid_of", "variant_of"]
