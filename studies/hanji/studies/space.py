"""A grid of recipes: alternatives for each step, and all their valid combinations."""

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
    """One configuration of a step; ``table`` is None if the step is left out."""

    label: str
    table: dict[str, Any] | None


def grid_of(table: Mapping[str, Any], base: RecipeFile, where: str) -> dict[str, tuple[Alternative, ...]]:
    """The alternatives of each step in the grid, in the task's order of steps."""
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
    """All valid combinations of one alternative per step, and the errors of the invalid ones."""
    variants, skipped = [], []
    for combination in itertools.product(*grid.values()) if grid else ():
        variant = variant_of(combination)
        if not variant.tables:
            continue  # the full model, which every study includes
        try:
            variant.check(base, "grid")
        except RecipeError as error:
            skipped.append(str(error))
        else:
            variants.append(variant)
    return variants, skipped


def variant_of(combination: Sequence[Alternative]) -> Variant:
    """The recipe of one alternative per step."""
    steps = [alternative for alternative in combination if alternative.table is not None]
    name = " · ".join(alternative.label for alternative in steps) or "float32"
    return Variant(name, tuple(step.table for step in steps if step.table is not None))


def _alternatives(step: str, rows: Sequence[dict[str, Any]], where: str) -> tuple[Alternative, ...]:
    alternatives = tuple(_alternative(step, row) for row in rows)
    labels = [alternative.label for alternative in alternatives]
    if len(set(labels)) < len(labels):
        raise RecipeError(f"{where}: expected a different label for every alternative, found {labels}")
    return alternatives


def _alternative(step: str, row: dict[str, Any]) -> Alternative:
    if not row:
        return Alternative(f"no {step}", None)
    table = {key: value for key, value in row.items() if key != "label"}
    return Alternative(str(row.get("label") or _default_label(step, table)), {"type": step, **table})


def _default_label(step: str, table: Mapping[str, Any]) -> str:
    """The label of an alternative without one."""
    if "scheme" in table:
        return str(table["scheme"])
    plain = [f"{key} {value}" for key, value in table.items() if not isinstance(value, dict)]
    return " ".join([step, *plain])


__all__ = ["Alternative", "combinations", "grid_of", "variant_of"]
