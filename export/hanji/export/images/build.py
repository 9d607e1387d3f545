"""All stages of a classifier in one go: data → trained → compressed → bundle → report.

As for recommenders, each stage's result is kept in OUT/work: a build that was stopped goes on where it was,
and one whose recipe changed repeats only what the change touches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hanji.compression.images.compress import compress_classifier, uncompressed_classifier
from hanji.compression.images.compressed import (
    CompressedClassifier,
    load_compressed_classifier,
    save_compressed_classifier,
)
from hanji.compression.images.recipe import ImageRecipe
from hanji.export.build_report import write_report
from hanji.export.clock import Clock
from hanji.export.config import Format
from hanji.export.images.config import ImageExportConfig
from hanji.export.images.manifest import own_parameters
from hanji.export.images.measure import ClassifierRow, Work, measure_classifier
from hanji.export.images.report import ClassifierReport
from hanji.export.images.samples import write_samples
from hanji.export.images.writer import export_classifier
from hanji.export.measure import DEVICE_ENGINES
from hanji.training.images.config import ImageTrainingConfig
from hanji.training.images.data import ImageDataConfig, ImageDataset, load_images
from hanji.training.images.models.config import ImageModelConfig
from hanji.training.images.profile import profile
from hanji.training.images.train import train_classifier
from hanji.training.images.trained import TrainedClassifier, load_classifier, save_classifier
from hanji.training.progress import tell
from hanji.training.recipe_file import RecipeFile
from hanji.training.settings import settings_from, table_from


@dataclass(frozen=True)
class ImagePlan:
    """A picture recipe with every table checked, before anything long begins."""

    file: RecipeFile
    data: ImageDataConfig
    model: ImageModelConfig
    training: ImageTrainingConfig
    recipe: ImageRecipe
    export: ImageExportConfig


def image_plan_of(file: RecipeFile) -> ImagePlan:
    """Check all tables of a recipe file; RecipeError names what is wrong."""
    return ImagePlan(
        file=file,
        data=settings_from(ImageDataConfig, file.data, f"{file.path}: data"),
        model=settings_from(ImageModelConfig, file.model, f"{file.path}: model"),
        training=settings_from(ImageTrainingConfig, file.training, f"{file.path}: training"),
        recipe=ImageRecipe.of_file(file),
        export=settings_from(ImageExportConfig, file.export, f"{file.path}: export"),
    )


def build_classifier_bundle(plan: ImagePlan, *, data: Path | None, out: Path) -> ClassifierReport:
    """Run every stage and write OUT/bundle, OUT/full, OUT/samples, OUT/report.json and OUT/report.md.

    OUT/full is the full model as a float32 bundle: what the compressed one is compared with.
    """
    work = out / "work"
    dataset = load_images(plan.data, data, seed=plan.file.seed)
    for line in dataset.overview_lines():
        tell(line)
    work.mkdir(parents=True, exist_ok=True)
    clock = Clock(work / "seconds.json")
    trained = earlier_classifier(plan, work)
    if trained is None:
        with clock.stage("train"):
            trained = train_into(plan, dataset, work)
    compressed = earlier_compressed_classifier(plan, trained, work)
    if compressed is None:
        with clock.stage("compress"):
            compressed = compress_classifier(trained, plan.recipe, dataset, work=work / "checkpoints")
            save_compressed_classifier(compressed, work / "compressed")
    with clock.stage("export"):
        _export(plan, trained, compressed, dataset, out)
        write_samples(dataset.test, dataset.labels, out / "samples")
    with clock.stage("measure"):
        rows = _measure(plan, trained, compressed, dataset, out)
    pictures = {name: len(getattr(dataset, name)) for name in ("train", "validation", "test")}
    report = ClassifierReport.of(compressed, pictures, rows, clock.seconds)
    write_report(report, out)
    return report


def earlier_classifier(plan: ImagePlan, work: Path) -> TrainedClassifier | None:
    """What an earlier run with the same settings left in ``work``, if there is such."""
    directory = work / "trained"
    if not directory.exists():
        return None
    found = load_classifier(directory)
    if _settings(found) != (plan.model, plan.training, table_from(plan.data), plan.file.seed):
        return None
    tell(f"{directory}: trained with these settings before; taken as it is")
    return found


def earlier_compressed_classifier(
    plan: ImagePlan, trained: TrainedClassifier, work: Path
) -> CompressedClassifier | None:
    """What an earlier run with the same full model and recipe left in ``work``, if there is such."""
    directory = work / "compressed"
    if not directory.exists():
        return None
    found = load_compressed_classifier(directory)
    if not isinstance(found.full, TrainedClassifier) or _settings(found.full) != _settings(trained):
        return None
    if found.full.metrics != trained.metrics or found.recipe.tables != plan.recipe.tables:
        return None
    tell(f"{directory}: compressed with these settings before; taken as it is")
    return found


def train_into(plan: ImagePlan, dataset: ImageDataset, work: Path) -> TrainedClassifier:
    """Train the full model and keep it in WORK/trained."""
    trained = train_classifier(
        dataset,
        data=plan.data,
        model=plan.model,
        training=plan.training,
        seed=plan.file.seed,
        work=work / "checkpoints",
    )
    save_classifier(trained, work / "trained")
    return trained


def _settings(
    trained: TrainedClassifier,
) -> tuple[ImageModelConfig, ImageTrainingConfig, Mapping[str, object], int]:
    return trained.config, trained.training, trained.data.config, trained.seed


def _export(
    plan: ImagePlan,
    trained: TrainedClassifier,
    compressed: CompressedClassifier,
    dataset: ImageDataset,
    out: Path,
) -> None:
    full = uncompressed_classifier(trained, compressed.calibration)
    measured: list[Format] = [name for name in plan.export.formats if name in DEVICE_ENGINES]
    export_classifier(full, out / "full", formats=measured or ("tflite",), test=dataset.test, replace=True)
    summary = export_classifier(
        compressed,
        out / "bundle",
        formats=plan.export.formats,
        test=dataset.test,
        edge_tpu=plan.export.edge_tpu,
        replace=True,
    )
    for line in summary.lines():
        tell(line)


def _measure(
    plan: ImagePlan,
    trained: TrainedClassifier,
    compressed: CompressedClassifier,
    dataset: ImageDataset,
    out: Path,
) -> list[ClassifierRow]:
    """The full model in each engine, then the compressed one."""
    full = uncompressed_classifier(trained, compressed.calibration)
    engines = [engine for name, engine in DEVICE_ENGINES.items() if name in plan.export.formats]
    found = [("full", out / "full", work_of(full), engine) for engine in engines or ["litert"]]
    found += [("compressed", out / "bundle", work_of(compressed), engine) for engine in engines]
    return [
        measure_classifier(bundle, dataset, model=model, engine=engine, work=work)
        for model, bundle, work, engine in found
    ]


def work_of(compressed: CompressedClassifier) -> Work:
    """Parameters and multiply-accumulates of the network that ships."""
    network = compressed.plain if compressed.plain is not None else compressed.model
    found = profile(network)
    return Work(own_parameters(compressed), None if found.uncounted else found.macs)


__all__ = ["ImagePlan", "build_classifier_bundle", "image_plan_of", "work_of"]
