"""The base of both tasks' recipes: named steps in a fixed order, conversion from and to tables, a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from annotated_types import Interval

from hanji.training.errors import RecipeError
from hanji.training.recipe_file import RecipeFile, read_recipe_file
from hanji.training.settings import settings_from, table_from

Share = Annotated[float, Interval(ge=0.0, le=1.0)]
Sparsity = Annotated[float, Interval(gt=0.0, lt=1.0)]
Step = TypeVar("Step")
Self = TypeVar("Self", bound="RecipeBase[Any]")


@dataclass(frozen=True)
class RecipeBase(Generic[Step]):
    """A named, ordered tuple of steps; the recipe class of each task defines the step types."""

    name: str
    steps: tuple[Step, ...]

    step_types: ClassVar[Mapping[str, Any]]
    """Step classes by their ``type`` in a recipe, in the order in which they may appear."""

    task: ClassVar[str]
    built_in: ClassVar[Path]

    def __post_init__(self) -> None:
        types, found = list(self.step_types), [self.step_type(step) for step in self.steps]
        order = [types.index(name) for name in found]
        if order != sorted(set(order)):
            raise ValueError(
                f"expected each step at most once, in the order {' → '.join(types)}, "
                f"found {' → '.join(found)}"
            )

    @property
    def tables(self) -> list[dict[str, Any]]:
        """The steps as plain tables, each with its ``type`` first."""
        return [{"type": self.step_type(step), **table_from(step)} for step in self.steps]

    @property
    def sha256(self) -> str:
        """Hash of the steps including default options, so that it identifies what was done."""
        return hashlib.sha256(json.dumps(self.tables, sort_keys=True).encode()).hexdigest()

    @classmethod
    def step_type(cls, step: Step) -> str:
        """The ``type`` of this step in a recipe."""
        return next(name for name, kind in cls.step_types.items() if isinstance(step, kind))

    @classmethod
    def from_tables(cls: type[Self], name: str, tables: Sequence[dict[str, Any]], where: str) -> Self:
        """A recipe from plain tables, each with its ``type``; ``where`` is their location in errors."""
        steps = tuple(
            cls._step_of(table, f"{where}: compression[{index}]") for index, table in enumerate(tables)
        )
        try:
            return cls(name, steps)
        except ValueError as error:
            raise RecipeError(f"{where}: {error}") from None

    @classmethod
    def from_file(cls: type[Self], file: RecipeFile) -> Self:
        """The compression recipe in a recipe file; RecipeError names an invalid step."""
        file.expect_task(cls.task)
        return cls.from_tables(file.name, file.compression, str(file.path))

    @classmethod
    def load(cls: type[Self], name_or_path: str) -> Self:
        """A built-in recipe by its name, or the recipe in a TOML file."""
        return cls.from_file(cls.file_named(name_or_path))

    @classmethod
    def file_named(cls, name_or_path: str) -> RecipeFile:
        """The file of a built-in recipe by its name, or the file at a path."""
        built_in = cls.built_in / f"{name_or_path}.toml"
        if built_in.is_file():
            return read_recipe_file(built_in)
        path = Path(name_or_path)
        if not path.suffix and not path.exists():
            raise RecipeError(
                f"expected a built-in recipe for {cls.task} ({', '.join(cls.built_in_names())}) or the path "
                f"of a .toml file, found {name_or_path!r}"
            )
        return read_recipe_file(path)

    @classmethod
    def built_in_names(cls) -> list[str]:
        """The names of this task's built-in recipes."""
        return sorted(path.stem for path in cls.built_in.glob("*.toml"))

    @classmethod
    def _step_of(cls, table: dict[str, Any], where: str) -> Step:
        settings = dict(table)
        kind = settings.pop("type", None)
        if not isinstance(kind, str) or kind not in cls.step_types:
            expected = ", ".join(cls.step_types)
            raise RecipeError(f"{where}: expected type to be one of {expected}, found {kind!r}")
        step: Step = settings_from(cls.step_types[kind], settings, where)
        return step
