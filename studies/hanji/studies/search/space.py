"""The search space: the recipes of a study's grid, or the default space of a recipe file."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hanji.export.bundle.engines import DEVICE_ENGINES
from hanji.export.formats.names import FORMATS, Format
from hanji.studies.search.built_in import built_in_grid
from hanji.studies.space import Alternative, combinations, grid_of, variant_of
from hanji.studies.study import Study, read_study
from hanji.studies.task import task_named
from hanji.studies.variant import Variant
from hanji.training.errors import RecipeError
from hanji.training.recipe_file import RecipeFile, read_recipe_file
from hanji.training.settings import read_toml


@dataclass(frozen=True)
class Point:
    """A recipe of the space, and its label on each of the space's axes."""

    variant: Variant
    choice: Mapping[str, str]


@dataclass(frozen=True)
class Space:
    """The recipes to choose from; ``axes`` are the labels of the alternatives of each step."""

    name: str
    base: RecipeFile
    """The recipe file; its seed is used in all trainings."""

    formats: tuple[Format, ...]
    """The first is measured; the winner is exported in all."""

    metric: str
    axes: Mapping[str, tuple[str, ...]]
    points: tuple[Point, ...]
    skipped: tuple[str, ...]
    """Errors of the invalid combinations."""

    @property
    def engine(self) -> str:
        """The engine of the first format."""
        return DEVICE_ENGINES[self.formats[0]]


def read_space(path: Path) -> Space:
    """The space of a study file, or the default space of a recipe file; RecipeError for an invalid file."""
    if "base" in read_toml(path):
        return _of_study(read_study(path))
    return _of_recipe(read_recipe_file(path))


def with_protocol(space: Space, protocol: str) -> Space:
    """The space with its metric measured under another evaluation protocol; RecipeError if it is not."""
    return replace(space, metric=task_named(space.base.task).metric_under(protocol, space.metric))


def _of_study(study: Study) -> Space:
    base = replace(study.base, seed=study.seeds[0])
    if study.grid:
        axes, points = _of_grid(study.grid, study.variants)
    else:
        axes = {"recipe": tuple(variant.name for variant in study.variants)}
        points = tuple(Point(variant, {"recipe": variant.name}) for variant in study.variants)
    return Space(study.name, base, study.formats, study.metric, axes, points, study.skipped)


def _of_recipe(file: RecipeFile) -> Space:
    grid = grid_of(built_in_grid(file), file, f"{file.path}: default search space")
    variants, skipped = combinations(grid, file)
    axes, points = _of_grid(grid, variants)
    metric = task_named(file.task).metrics[0]
    return Space(file.name, file, _formats(file), metric, axes, points, tuple(skipped))


def _of_grid(
    grid: Mapping[str, Sequence[Alternative]], variants: Sequence[Variant]
) -> tuple[dict[str, tuple[str, ...]], tuple[Point, ...]]:
    """The axes, and those points of the grid that are among ``variants``."""
    axes = {step: tuple(option.label for option in alternatives) for step, alternatives in grid.items()}
    points = []
    for combination in itertools.product(*grid.values()):
        variant = variant_of(combination)
        if variant in variants:
            labels = (option.label for option in combination)
            points.append(Point(variant, dict(zip(grid, labels, strict=True))))
    return axes, tuple(points)


def _formats(file: RecipeFile) -> tuple[Format, ...]:
    """The formats that the recipe exports, starting with one that Python can run."""
    exported = file.export.get("formats", list(FORMATS))
    formats: list[Format] = [name for name in FORMATS if name in exported]
    runnable = [name for name in formats if name in DEVICE_ENGINES]
    if not runnable:
        raise RecipeError(
            f"{file.path}: export.formats: expected a format that can be measured from Python "
            f"({' or '.join(DEVICE_ENGINES)}), found {exported}"
        )
    return (runnable[0], *(name for name in formats if name != runnable[0]))


__all__ = ["Point", "Space", "read_space", "with_protocol"]
