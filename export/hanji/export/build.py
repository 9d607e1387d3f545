"""All stages in one go: data → trained → compressed → bundle → report.

Each stage's result is kept in OUT/work, so that a build that was stopped goes on where it was, and
one whose recipe changed repeats only what the change touches.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hanji.compression.compress import compress
from hanji.compression.compressed import CompressedModel, load_compressed, save_compressed
from hanji.compression.recipe import Recipe, recipe_from
from hanji.export.config import ExportConfig
from hanji.export.measure import DEVICE_ENGINES, Row, measure_bundle
from hanji.export.report import Report, write_report
from hanji.export.writer import export_bundle
from hanji.training.config import TrainingConfig
from hanji.training.data import DataConfig, Dataset, load_dataset
from hanji.training.models.config import ModelConfig
from hanji.training.progress import tell
from hanji.training.recipe_file import RecipeFile
from hanji.training.settings import settings_from, table_from
from hanji.training.train import train
from hanji.training.trained import TrainedModel, load_trained, save_trained


@dataclass(frozen=True)
class Plan:
    """A recipe file with every table checked, before anything long begins."""

    file: RecipeFile
    data: DataConfig
    model: ModelConfig
    training: TrainingConfig
    recipe: Recipe
    export: ExportConfig


@dataclass
class Clock:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block under this name."""
        start = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - start, 1)


def plan_of(file: RecipeFile) -> Plan:
    """Check all tables of a recipe file."""
    return Plan(
        file=file,
        data=settings_from(DataConfig, file.data, f"{file.path}: data"),
        model=settings_from(ModelConfig, file.model, f"{file.path}: model"),
        training=settings_from(TrainingConfig, file.training, f"{file.path}: training"),
        recipe=recipe_from(file),
        export=settings_from(ExportConfig, file.export, f"{file.path}: export"),
    )


def build(plan: Plan, *, data: Path | None, out: Path) -> Report:
    """Run every stage and write OUT/bundle, OUT/full, OUT/report.json and OUT/report.md.

    OUT/full is the full model as a float32 bundle: what the compressed one is compared with.
    """
    clock = Clock()
    with clock.stage("data"):
        dataset = load_dataset(plan.data, data)
    _tell_about(dataset)
    with clock.stage("train"):
        trained = trained_model(plan, dataset, out / "work")
    with clock.stage("compress"):
        compressed = compressed_model(plan, trained, dataset, out / "work")
    with clock.stage("export"):
        full = compress(trained, Recipe("full", ()), dataset)
        export_bundle(full, out / "full", formats=("tflite",), replace=True)
        summary = export_bundle(
            compressed,
            out / "bundle",
            formats=plan.export.formats,
            unknown_user=plan.export.unknown_user,
            unknown_item=plan.export.unknown_item,
            replace=True,
        )
    for line in summary.lines():
        tell(line)
    with clock.stage("measure"):
        rows = _measure(out, dataset, plan.export)
    report = Report.of(plan.recipe, compressed, dataset, rows, clock.seconds)
    write_report(report, out)
    return report


def trained_model(plan: Plan, dataset: Dataset, work: Path) -> TrainedModel:
    """Train, or take what an earlier run with the same settings left in ``work``."""
    directory = work / "trained"
    if directory.exists():
        found = load_trained(directory)
        if _settings(found) == (plan.model, plan.training, table_from(plan.data), plan.file.seed):
            tell(f"{directory}: trained with these settings before; taken as it is")
            return found
    trained = train(
        dataset,
        data=plan.data,
        model=plan.model,
        training=plan.training,
        seed=plan.file.seed,
        work=work / "checkpoints",
    )
    save_trained(trained, directory)
    return trained


def compressed_model(plan: Plan, trained: TrainedModel, dataset: Dataset, work: Path) -> CompressedModel:
    """Compress, or take what an earlier run with the same teacher and recipe left in ``work``."""
    directory = work / "compressed"
    if directory.exists():
        found = load_compressed(directory)
        same_teacher = _settings(found.full) == _settings(trained) and found.full.metrics == trained.metrics
        if same_teacher and found.recipe.tables == plan.recipe.tables:
            tell(f"{directory}: compressed with these settings before; taken as it is")
            return found
    compressed = compress(trained, plan.recipe, dataset, work=work / "checkpoints")
    save_compressed(compressed, directory)
    return compressed


def _settings(trained: TrainedModel) -> tuple[ModelConfig, TrainingConfig, Mapping[str, object], int]:
    return trained.config, trained.training, trained.data.config, trained.seed


def _tell_about(dataset: Dataset) -> None:
    kind = "synthetic catalogue" if dataset.synthetic else "data"
    users, items = dataset.catalogue.users, dataset.catalogue.items
    tell(f"{kind} {dataset.name}: {users} users, {items} items, {len(dataset.train)} interactions")
    for line in dataset.quality.lines():
        tell(f"  {line}")


def _measure(out: Path, dataset: Dataset, export: ExportConfig) -> list[Row]:
    engines = [engine for format, engine in DEVICE_ENGINES.items() if format in export.formats]
    full = measure_bundle(out / "full", dataset, model="full", engine="litert")
    return [
        full,
        *(measure_bundle(out / "bundle", dataset, model="compressed", engine=name) for name in engines),
    ]
