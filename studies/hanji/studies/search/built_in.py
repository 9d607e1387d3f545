"""The default search space of a recipe file: alternatives of each step for its model.

The file's own settings of a step are among the alternatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hanji.studies.task import GridRows, task_named
from hanji.training.recipe_file import RecipeFile

WIDTHS = {"half width": 2, "quarter width": 4}
"""Divisors of the full model's width for students, by label."""

_OWN = "from the file"


def built_in_grid(file: RecipeFile) -> dict[str, GridRows]:
    """The alternatives of each step, as in a study's ``[grid]``."""
    own = {step["type"]: _without_type(step) for step in file.compression if "type" in step}
    grid = task_named(file.task).built_in_grid(file, own)
    for step in own.keys() - {"distil", "quantize"}:
        grid.setdefault(step, [{}]).extend(named_own(step, own[step]))
    return grid


def scheme_rows(schemes: tuple[str, ...], own: Mapping[str, Any] | None) -> GridRows:
    """Float32 and each scheme, with the file's settings for the file's scheme."""
    rows = {scheme: {"scheme": scheme} for scheme in schemes}
    if own:
        scheme = own.get("scheme", "int8")
        rows[scheme] = {**own, "scheme": scheme}
    return [{}, *rows.values()]


def epochs_of(file: RecipeFile) -> dict[str, Any]:
    """The epochs of students: those of the full model, if the file sets them."""
    return {"epochs": file.training["epochs"]} if "epochs" in file.training else {}


def named_own(what: str, own: Mapping[str, Any] | None) -> GridRows:
    """The file's settings of a step as an alternative, if it has any."""
    return [{"label": f"{what} {_OWN}", **own}] if own else []


def _without_type(step: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name != "type"}


__all__ = ["WIDTHS", "built_in_grid", "epochs_of", "named_own", "scheme_rows"]
