"""The space that suits a recipe file: students of its model's shape, and the schemes that its kind takes.

What the file itself says of a step stays one of the step's alternatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hanji.training.recipe_file import RecipeFile

Rows = list[dict[str, Any]]

_WIDTHS = {"half as wide": 2, "a quarter as wide": 4}
_SMALLEST_WIDTH = 2
_PICTURE_SCHEMES = ("float16", "int8", "int8-qat")
_HISTORY_SCHEMES = ("float16", "int8-rows", "int4-rows")
_USER_SCHEMES = ("float16", "int8", "int8-qat")
_OWN = "as in the file"


def built_in_grid(file: RecipeFile) -> dict[str, Rows]:
    """The alternatives of each step, as a study's ``[grid]`` has them."""
    own = {step["type"]: _without(step, "type") for step in file.compression if "type" in step}
    if file.task == "image-classification":
        grid = {
            "distil": _picture_students(file, own.get("distil")),
            "channels": [{}, {"label": "half the channels", "keep": 0.5}],
        }
        schemes = _PICTURE_SCHEMES
    else:
        grid = {"distil": _ranking_students(file, own.get("distil"))}
        schemes = _HISTORY_SCHEMES if file.model.get("type") == "history" else _USER_SCHEMES
    grid["quantize"] = _schemes(schemes, own.get("quantize"))
    for step in own.keys() - {"distil", "quantize"}:
        grid.setdefault(step, [{}]).append({"label": f"{step} {_OWN}", **own[step]})
    return grid


def _picture_students(file: RecipeFile, own: Mapping[str, Any] | None) -> Rows:
    """None, and networks of the full one's shape with a half and a quarter of its channels."""
    teaching = _without(own or _epochs_of(file), "model")
    shape = _without(file.model, "mirrored")
    width = shape.get("width_multiplier", 1.0)
    rows = [
        {"label": label, **teaching, "model": {**shape, "width_multiplier": width / divisor}}
        for label, divisor in _WIDTHS.items()
    ]
    return [{}, *rows, *_own(own, "student")]


def _ranking_students(file: RecipeFile, own: Mapping[str, Any] | None) -> Rows:
    """None, and models of the full one's kind with a half and a quarter of its factors and units."""
    # TensorFlow is not needed for it, but the package is slow to import all the same.
    from hanji.training.models.config import ModelConfig
    from hanji.training.settings import settings_from

    full = settings_from(ModelConfig, file.model, f"{file.path}: model")
    teaching = dict(own or _epochs_of(file))
    rows = []
    for label, divisor in _WIDTHS.items():
        shape = {
            "embedding_size": _narrower(full.embedding_size, divisor),
            "mlp_embedding_size": _narrower(full.mlp_embedding_size, divisor),
            "hidden_units": [_narrower(units, divisor) for units in full.hidden_units],
            "history_pooling": full.history_pooling,
            "user_units": _narrower(full.user_units, divisor) if full.user_units else 0,
        }
        rows.append({"label": label, **teaching, **shape})
    return [{}, *rows, *_own(own, "student")]


def _schemes(schemes: tuple[str, ...], own: Mapping[str, Any] | None) -> Rows:
    """Float32 and each scheme, the file's own with the file's settings."""
    found = {scheme: {"scheme": scheme} for scheme in schemes}
    if own:
        scheme = own.get("scheme", "int8")
        found[scheme] = {**own, "scheme": scheme}
    return [{}, *found.values()]


def _epochs_of(file: RecipeFile) -> dict[str, Any]:
    """A student is taught as long as the full model was trained, where that is known."""
    return {"epochs": file.training["epochs"]} if "epochs" in file.training else {}


def _own(own: Mapping[str, Any] | None, what: str) -> Rows:
    return [{"label": f"{what} {_OWN}", **own}] if own else []


def _narrower(width: int, divisor: int) -> int:
    return max(width // divisor, _SMALLEST_WIDTH)


def _without(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}


__all__ = ["built_in_grid"]
