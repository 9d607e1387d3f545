"""A recipe file: one TOML file from data to bundle, a table for each stage.

Every stage reads its own tables and leaves the others alone, so the same file serves
``hanji train``, ``hanji compress`` and ``hanji build``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from hanji.training.errors import RecipeError
from hanji.training.settings import read_toml, settings_from

Task = Literal["recommendation", "image-classification"]


@dataclass(frozen=True)
class _Tables:
    """The top level of the file; ``settings_from`` checks names and types."""

    name: str
    task: Task = "recommendation"
    seed: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    compression: tuple[dict[str, Any], ...] = ()
    export: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RecipeFile:
    """The file's top level; the tables are still as written."""

    path: Path
    name: str
    task: Task
    seed: int
    data: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]
    compression: tuple[dict[str, Any], ...]
    export: dict[str, Any]


def read_recipe_file(path: Path, *, seed: int | None = None) -> RecipeFile:
    """Read and check the top level; a ``seed`` takes the place of the file's.

    RecipeError names what is wrong and the valid keys.
    """
    tables = settings_from(_Tables, read_toml(path), str(path))
    if seed is not None:
        tables = replace(tables, seed=seed)
    if not 0 <= tables.seed < 2**32:
        raise RecipeError(f"{path}: expected a seed from 0 to {2**32 - 1}, found {tables.seed}")
    return RecipeFile(path=path, **vars(tables))
