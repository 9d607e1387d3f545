"""What is searched: the recipes of a study's grid, or of a space that suits a recipe file."""

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
    """A recipe of the space, and the label that it has on each of the space's axes."""

    variant: Variant
    choice: Mapping[str, str]


@dataclass(frozen=True)
class Space:
    """The recipes to choose from; ``axes`` are the labels of each choice that makes one of them."""

    name: str
    base: RecipeFile
    """Its seed is the one of all trainings."""

    formats: tuple[Format, ...]
    """The first of them is the one that is measured; the winner is exported in all."""

    metric: str
    axes: Mapping[str, tuple[str, ...]]
    points: tuple[Point, ...]
    skipped: tuple[str, ...]
    """Combinations that the task does not take, each with the reason."""

    @property
    def engine(self) -> str:
        """The engine that answers for the first format."""
        return DEVICE_ENGINES[self.formats[0]]


def read_space(path: Path) -> Space:
    """The space of a study file, or one that suits a recipe file; RecipeError says what is wrong."""
    if "base" in read_toml(path):
        return _of_study(read_study(path))
    return _of_recipe(read_recipe_file(path))


def _of_study(study: Study) -> Space:
    base = replace(study.base, seed=study.seeds[0])
    if study.grid:
        axes, points = _of_grid(study.grid, study.variants)
    else:
        axes = {"recipe": tuple(variant.name for variant in study.variants)}
        points = tuple(Point(variant, {"recipe": variant.name}) for variant in study.variants)
    return Space(study.name, base, study.formats, study.metric, axes, points, study.skipped)


def _of_recipe(file: RecipeFile) -> Space:
    grid = grid_of(built_in_grid(file), file, f"{file.path}: its space")
    variants, skipped = combinations(grid, file)
    axes, points = _of_grid(grid, variants)
    metric = task_named(file.task).metrics[0]
    return Space(file.name, file, _formats(file), metric, axes, points, tuple(skipped))


def _of_grid(
    grid: Mapping[str, Sequence[Alternative]], variants: Sequence[Variant]
) -> tuple[dict[str, tuple[str, ...]], tuple[Point, ...]]:
    """The axes, and those points of the grid that are among ``variants``."""
    axes = {step: tuple(one.label for one in alternatives) for step, alternatives in grid.items()}
    points = []
    for chosen in itertools.product(*grid.values()):
        variant = variant_of(chosen)
        if variant in variants:
            labels = (one.label for one in chosen)
            points.append(Point(variant, dict(zip(grid, labels, strict=True))))
    return axes, tuple(points)


def _formats(file: RecipeFile) -> tuple[Format, ...]:
    """Those that the recipe exports, one that Python can run first."""
    named = file.export.get("formats", list(FORMATS))
    formats: list[Format] = [name for name in FORMATS if name in named]
    runnable = [name for name in formats if name in DEVICE_ENGINES]
    if not runnable:
        raise RecipeError(
            f"{file.path}: export.formats: expected {' or '.join(DEVICE_ENGINES)} among them, which Python "
            f"can run and measure; found {named}"
        )
    return (runnable[0], *(name for name in formats if name != runnable[0]))


__all__ = ["Point", "Space", "read_space"]
