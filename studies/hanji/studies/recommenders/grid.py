"""The default search space of a recommender: students of its type, and the schemes that it supports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hanji.studies.search.built_in import WIDTHS, epochs_of, named_own, scheme_rows
from hanji.studies.task import GridRows
from hanji.training.recipe_file import RecipeFile
from hanji.training.recommenders.models.config import ModelConfig

_SMALLEST_WIDTH = 2
_HISTORY_SCHEMES = ("float16", "int8-rows", "int4-rows")
_USER_SCHEMES = ("float16", "int8", "int8-qat")


def recommender_grid(file: RecipeFile, own: Mapping[str, dict[str, Any]]) -> dict[str, GridRows]:
    """The alternatives of each step; ``own`` are the steps of the recipe file."""
    full = file.settings("model", ModelConfig)
    schemes = _USER_SCHEMES if full.has_users else _HISTORY_SCHEMES
    return {
        "distil": _students(file, full, own.get("distil")),
        "quantize": scheme_rows(schemes, own.get("quantize")),
    }


def _students(file: RecipeFile, full: ModelConfig, own: Mapping[str, Any] | None) -> GridRows:
    """No student, and students of the full model's type with half and a quarter of its factors and units."""
    settings = dict(own or epochs_of(file))
    rows = []
    for label, divisor in WIDTHS.items():
        sizes = {
            "embedding_size": _narrower(full.embedding_size, divisor),
            "mlp_embedding_size": _narrower(full.mlp_embedding_size, divisor),
            "hidden_units": [_narrower(units, divisor) for units in full.hidden_units],
            "history_pooling": full.history_pooling,
            "history_heads": full.history_heads,
            "user_units": _narrower(full.user_units, divisor) if full.user_units else 0,
        }
        rows.append({"label": label, **settings, **sizes})
    return [{}, *rows, *named_own("student", own)]


def _narrower(width: int, divisor: int) -> int:
    return max(width // divisor, _SMALLEST_WIDTH)


__all__ = ["recommender_grid"]
