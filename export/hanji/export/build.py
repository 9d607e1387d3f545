"""All stages in one go: data → trained → compressed → bundle → report.

Each stage's result is kept in OUT/work, so that a build that was stopped goes on where it was, and
one whose recipe changed repeats only what the change touches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hanji.compression.compress import compress, uncompressed
from hanji.compression.compressed import CompressedModel, load_compressed, save_compressed
from hanji.compression.recipe import Recipe, check_recipe, recipe_from
from hanji.export.build_report import write_report
from hanji.export.clock import Clock
from hanji.export.config import ExportConfig, check_unknown_user
from hanji.export.measure import DEVICE_ENGINES, Row, measure_bundle
from hanji.export.report import Report
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


def plan_of(file: RecipeFile) -> Plan:
    """Check all tables of a recipe file."""
    model, recipe = settings_from(ModelConfig, file.model, f"{file.path}: model"), recipe_from(file)
    check_recipe(recipe, model.type)
    export = settings_from(ExportConfig, file.export, f"{file.path}: export")
    check_unknown_user(
        export.unknown_user, knows_no_users=model.type == "history", where=f"{file.path}: export."
    )
    return Plan(
        file=file,
        data=settings_from(DataConfig, file.data, f"{file.path}: data"),
        model=model,
        training=settings_from(TrainingConfig, file.training, f"{file.path}: training"),
        recipe=recipe,
        export=export,
    )


def build(plan: Plan, *, data: Path | None, out: Path) -> Report:
    """Run every stage and write OUT/bundle, OUT/full, OUT/report.json and OUT/report.md.

    OUT/full is the full model as a float32 bundle: what the compressed one is compared with.
    """
    work = out / "work"
    dataset = load_dataset(plan.data, data)
    _tell_about(dataset)
    work.mkdir(parents=True, exist_ok=True)
    clock = Clock(work / "seconds.json")
    trained = earlier_trained(plan, work)
    if trained is None:
        with clock.stage("train"):
            trained = train_into(plan, dataset, work)
    compressed = earlier_compressed(plan, trained, work)
    if compressed is None:
        with clock.stage("compress"):
            compressed = compress(trained, plan.recipe, dataset, work=work / "checkpoints")
            save_compressed(compressed, work / "compressed")
    with clock.stage("export"):
        export_bundle(uncompressed(trained), out / "full", formats=("tflite",), replace=True)
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


def earlier_trained(plan: Plan, work: Path) -> TrainedModel | None:
    """What an earlier run with the same settings left in ``work``, if there is such."""
    directory = work / "trained"
    if not directory.exists():
        return None
    found = load_trained(directory)
    if _settings(found) != (plan.model, plan.training, table_from(plan.data), plan.file.seed):
        return None
    tell(f"{directory}: trained with these settings before; taken as it is")
    return found


def earlier_compressed(plan: Plan, trained: TrainedModel, work: Path) -> CompressedModel | None:
    """What an earlier run with the same teacher and recipe left in ``work``, if there is such."""
    directory = work / "compressed"
    if not directory.exists():
        return None
    found = load_compressed(directory)
    same_teacher = _settings(found.full) == _settings(trained) and found.full.metrics == trained.metrics
    if not same_teacher or found.recipe.tables != plan.recipe.tables:
        return None
    tell(f"{directory}: compressed with these settings before; taken as it is")
    return found


def train_into(plan: Plan, dataset: Dataset, work: Path) -> TrainedModel:
    """Train the full model and keep it in WORK/trained."""
    trained = train(
        dataset,
        data=plan.data,
        model=plan.model,
        training=plan.training,
        seed=plan.file.seed,
        work=work / "checkpoints",
    )
    save_trained(trained, work / "trained")
    return trained


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
