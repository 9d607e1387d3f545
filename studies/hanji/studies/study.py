"""The study file: a model, a data set, the recipes to compare, seeds and budgets."""

from __future__ import annotations

import hashlib
import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hanji.export.bundle.engines import DEVICE_ENGINES
from hanji.export.formats.names import FORMATS, Format
from hanji.studies.budget import Budget
from hanji.studies.space import Alternative, combinations, grid_of
from hanji.studies.task import task_named
from hanji.studies.variant import Variant
from hanji.training.errors import RecipeError
from hanji.training.recipe_file import RecipeFile, read_recipe_file
from hanji.training.settings import Seed, check_name, check_ranges, read_toml, settings_from


@dataclass(frozen=True)
class StudyTables:
    """The top level of a study file."""

    name: str
    """Name of the study in its results."""

    base: str
    """Recipe file, relative to the study file; its own compression steps are not part of the study."""

    seeds: tuple[Seed, ...] = (0,)
    """Seeds of the trainings: every recipe is trained once with each."""

    formats: tuple[str, ...] = ("tflite", "onnx")
    """Formats of the bundles; metrics, budgets and latencies are those of the first."""

    metric: str = ""
    """Metric by which recipes are compared: one of the task's; empty: the first of them. Names that begin
    with "full_ranking_" are of held-out items ranked in the whole catalogue."""

    recipes: tuple[dict[str, Any], ...] = ()
    """Tables ``[[recipes]]``: the recipes to compare."""

    grid: dict[str, Any] = field(default_factory=dict)
    """Table ``[grid]``: alternatives for each step, all combinations of which are compared. An empty table
    leaves the step out; ``label`` names an alternative."""

    budgets: tuple[dict[str, Any], ...] = ()
    """Tables ``[[budgets]]``: for each, the best recipe that meets it is named."""

    def __post_init__(self) -> None:
        check_name(self.name)
        check_ranges(self)


@dataclass(frozen=True)
class RecipeTable:
    """A recipe of a study, with either ``compression`` or ``file``."""

    name: str
    """Name of the recipe in the results."""

    compression: tuple[dict[str, Any], ...] = ()
    """The compression steps, as in a recipe file."""

    file: str = ""
    """Recipe file, relative to the study file, from which the compression steps are taken."""


@dataclass(frozen=True)
class Study:
    """A study with validated recipes."""

    path: Path
    name: str
    base: RecipeFile
    """Task, data, model, training and export; its compression steps are not part of the study."""

    seeds: tuple[int, ...]
    formats: tuple[Format, ...]
    """Metrics, budgets and latencies refer to the first of them."""

    metric: str
    variants: tuple[Variant, ...]
    """The recipes, without the full model."""

    budgets: tuple[Budget, ...]
    grid: Mapping[str, tuple[Alternative, ...]]
    skipped: tuple[str, ...]
    """Errors of the invalid combinations of the grid."""

    sha256: str
    """Hash of everything that the results depend on."""

    @property
    def engine(self) -> str:
        """The engine of the first format."""
        return DEVICE_ENGINES[self.formats[0]]


def read_study(path: Path) -> Study:
    """Read and validate a study file; RecipeError for an invalid one."""
    content = read_toml(path)
    if "model" in content and "base" not in content:
        raise RecipeError(
            f"{path}: expected a study, found a recipe; a study has a recipe as its base (docs/studies.md), "
            "and `hanji search` accepts both"
        )
    tables = settings_from(StudyTables, content, str(path))
    base = read_recipe_file(path.parent / tables.base)
    grid = grid_of(tables.grid, base, f"{path}: grid")
    named = [_variant(table, base, path, index) for index, table in enumerate(tables.recipes)]
    combined, skipped = combinations(grid, base)
    variants = (*named, *combined)
    _check_names(variants, path)
    study = Study(
        path=path,
        name=tables.name,
        base=base,
        seeds=_seeds(tables.seeds, path),
        formats=_formats(tables.formats, path),
        metric=_metric(tables.metric, base, path),
        variants=variants,
        budgets=tuple(
            settings_from(Budget, table, f"{path}: budgets[{index}]")
            for index, table in enumerate(tables.budgets)
        ),
        grid=grid,
        skipped=tuple(skipped),
        sha256="",
    )
    return replace(study, sha256=_sha256(study))


def file_of(base: RecipeFile, variant: Variant, seed: int) -> RecipeFile:
    """The recipe file that builds one variant with one seed."""
    return replace(
        base, name=variant.name, seed=seed, compression=tuple(dict(table) for table in variant.tables)
    )


def with_protocol(study: Study, protocol: str) -> Study:
    """The study with its metric measured under another evaluation protocol; RecipeError if it is not."""
    changed = replace(study, metric=task_named(study.base.task).metric_under(protocol, study.metric))
    return replace(changed, sha256=_sha256(changed))


def _variant(table: dict[str, Any], base: RecipeFile, path: Path, index: int) -> Variant:
    where = f"{path}: recipes[{index}]"
    recipe = settings_from(RecipeTable, table, where)
    if bool(recipe.file) == bool(recipe.compression):
        found = "both" if recipe.file else "neither"
        raise RecipeError(f'{where}: expected either compression = [...] or file = "...", found {found}')
    tables = recipe.compression
    if recipe.file:
        other = read_recipe_file(path.parent / recipe.file)
        if other.task != base.task:
            raise RecipeError(f'{where}: {other.path}: expected task = "{base.task}", found "{other.task}"')
        tables = other.compression
    variant = Variant(recipe.name, tuple(tables))
    variant.check(base, where)
    return variant


def _check_names(variants: Sequence[Variant], path: Path) -> None:
    names = ["full", *(variant.name for variant in variants)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RecipeError(f"{path}: expected a different name for every recipe, found {twice[0]!r} twice")
    if len(names) == 1:
        raise RecipeError(
            f"{path}: expected [[recipes]] or a [grid], found neither: there is nothing to compare"
        )


def _seeds(seeds: tuple[int, ...], path: Path) -> tuple[int, ...]:
    if not seeds or len(set(seeds)) < len(seeds):
        raise RecipeError(f"{path}: seeds: expected distinct seeds, found {list(seeds)}")
    return seeds


def _formats(formats: tuple[str, ...], path: Path) -> tuple[Format, ...]:
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats or formats[0] not in DEVICE_ENGINES:
        raise RecipeError(
            f"{path}: formats: expected a list of {', '.join(FORMATS)}, starting with one that Python can "
            f"run ({', '.join(DEVICE_ENGINES)}), found {list(formats)}"
        )
    return typing.cast("tuple[Format, ...]", formats)


def _metric(metric: str, base: RecipeFile, path: Path) -> str:
    known = task_named(base.task).metrics
    if metric and metric not in known:
        raise RecipeError(f"{path}: metric: expected one of {', '.join(known)}, found {metric!r}")
    return metric or known[0]


def _sha256(study: Study) -> str:
    base = study.base
    content = [
        [base.task, base.data, base.model, base.training, base.export],
        [study.seeds, study.formats, study.metric],
        [[variant.name, variant.tables] for variant in study.variants],
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


__all__ = ["Budget", "Study", "Variant", "file_of", "read_study", "with_protocol"]
