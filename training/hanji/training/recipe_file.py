"""A recipe file: one TOML file from data to bundle, with a table for each stage.

Every stage reads its own tables and ignores the others, so the same file serves
``hanji train``, ``hanji compress`` and ``hanji build``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from hanji.training.errors import RecipeError
from hanji.training.settings import Seed, check_name, check_ranges, read_toml, settings_from
from hanji.training.task import PACKAGES

Settings = TypeVar("Settings")
TableName = Literal["data", "model", "training", "export"]


@dataclass(frozen=True)
class RecipeTables:
    """The top level of a recipe file; raises ValueError for an unknown task or a seed out of range."""

    name: str
    """Name of the recipe, in reports and bundles."""

    task: str = "recommendation"
    """``recommendation`` or ``image-classification``; decides which keys the tables take."""

    seed: Seed = 0
    """Seed of training, of the validation split and of everything sampled."""

    data: dict[str, Any] = field(default_factory=dict)
    """Table ``[data]``: what is read, cleaned and split."""

    model: dict[str, Any] = field(default_factory=dict)
    """Table ``[model]``: the architecture of the full model."""

    training: dict[str, Any] = field(default_factory=dict)
    """Table ``[training]``: how the full model is trained."""

    compression: tuple[dict[str, Any], ...] = ()
    """Tables ``[[compression]]``: the compression steps, in order; each has a ``type``."""

    export: dict[str, Any] = field(default_factory=dict)
    """Table ``[export]``: formats and options of the bundle."""

    def __post_init__(self) -> None:
        if self.task not in PACKAGES:
            known = ", ".join(map(repr, PACKAGES))
            raise ValueError(f"task: expected one of {known}, found {self.task!r}")
        check_name(self.name)
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class RecipeFile(RecipeTables):
    """The top level of the file at ``path``; the tables are not checked yet."""

    path: Path

    def settings(
        self, table: Literal["data", "model", "training", "export"], cls: type[Settings]
    ) -> Settings:
        """One of the tables as the dataclass ``cls``; RecipeError names the file, the table and the key."""
        return settings_from(cls, getattr(self, table), f"{self.path}: {table}")

    def expect_task(self, task: str) -> None:
        """RecipeError unless the recipe is for this task."""
        if self.task != task:
            raise RecipeError(
                f'{self.path}: expected a recipe with task = "{task}", found task = "{self.task}"'
            )


def read_recipe_file(path: Path, *, seed: int | None = None) -> RecipeFile:
    """Read and check the top level; ``seed`` overrides the file's.

    RecipeError names the problem and the valid keys.
    """
    tables = settings_from(RecipeTables, read_toml(path), str(path))
    try:
        return RecipeFile(path=path, **vars(tables if seed is None else replace(tables, seed=seed)))
    except ValueError as error:
        raise RecipeError(f"{path}: {error}") from None


__all__ = ["RecipeFile", "RecipeTables", "read_recipe_file"]
