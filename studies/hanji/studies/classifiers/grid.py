"""The default search space of a classifier: narrower students, channel pruning, and the schemes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hanji.studies.search.built_in import WIDTHS, epochs_of, named_own, scheme_rows
from hanji.studies.task import GridRows
from hanji.training.recipe_file import RecipeFile

_SCHEMES = ("float16", "int8", "int8-qat")


def classifier_grid(file: RecipeFile, own: Mapping[str, dict[str, Any]]) -> dict[str, GridRows]:
    """The alternatives of each step; ``own`` are the steps of the recipe file."""
    return {
        "distil": _students(file, own.get("distil")),
        "channels": [{}, {"label": "half the channels", "keep": 0.5}],
        "quantize": scheme_rows(_SCHEMES, own.get("quantize")),
    }


def _students(file: RecipeFile, own: Mapping[str, Any] | None) -> GridRows:
    """No student, and students of the full model's architecture with half and a quarter of its width."""
    settings = {key: value for key, value in (own or epochs_of(file)).items() if key != "model"}
    model = {key: value for key, value in file.model.items() if key != "mirrored"}
    width = model.get("width_multiplier", 1.0)
    rows = [
        {"label": label, **settings, "model": {**model, "width_multiplier": width / divisor}}
        for label, divisor in WIDTHS.items()
    ]
    return [{}, *rows, *named_own("student", own)]


__all__ = ["classifier_grid"]
