"""The stages of one classifier of a study."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from hanji.compression.images.compress import compress_classifier, uncompressed_classifier
from hanji.compression.images.compressed import CompressedClassifier
from hanji.compression.images.quantize import calibration_pictures
from hanji.compression.images.steps import Quantize
from hanji.export.clock import Clock
from hanji.export.images.build import ImagePlan, earlier_classifier, image_plan_of, train_into, work_of
from hanji.export.images.debug_quantization import QuantizationDebugger
from hanji.export.images.writer import export_classifier
from hanji.studies.costs import costs_of
from hanji.studies.job import OUTCOMES, Job, checkpoints_of
from hanji.studies.outcomes import outcomes_of, save_outcomes
from hanji.studies.study import file_of
from hanji.studies.variant import Variant
from hanji.training.images.data import ImageDataset, load_images
from hanji.training.images.trained import load_classifier
from hanji.training.recipe_file import RecipeFile


def train_once(base: RecipeFile, data: Path | None, work: Path) -> None:
    """The full model, in WORK/trained."""
    if not is_trained(base, work):
        plan = image_plan_of(base)
        with Clock(work / "seconds.json").stage("train"):
            train_into(plan, load_images(plan.data, data, seed=base.seed), work)


def is_trained(base: RecipeFile, work: Path) -> bool:
    """Whether WORK/trained is the full model of ``base``."""
    return earlier_classifier(image_plan_of(base), work) is not None


def build_and_ask(base: RecipeFile, variant: Variant, job: Job, out: Path) -> dict[str, Any]:
    """Write OUT/bundle and OUT/outcomes.npz; what they cost, ready for JSON."""
    plan = image_plan_of(file_of(base, variant, job.seed))
    dataset = load_images(plan.data, job.data, seed=job.seed)
    clock = Clock(out / "seconds.json")
    with clock.stage("compress"):
        found = _compressed(plan, dataset, variant, job)
    with clock.stage("export"):
        export_classifier(found, out / "bundle", formats=job.formats, test=dataset.test)
    with clock.stage("measure"):
        save_outcomes(outcomes_of(out / "bundle", dataset, engine=job.engine), out / OUTCOMES)
    layers = _layers(found) if job.layers else None
    network = found.plain if found.plain is not None else found.model
    costs = costs_of(out / "bundle", network)
    return {**costs, "macs": work_of(found).macs, "layers": layers, "seconds": clock.seconds}


def _compressed(plan: ImagePlan, dataset: ImageDataset, variant: Variant, job: Job) -> CompressedClassifier:
    trained = load_classifier(job.work / "trained")
    if variant.tables:
        return compress_classifier(trained, plan.recipe, dataset, work=checkpoints_of(job.work, variant))
    pictures = calibration_pictures(dataset.train, Quantize().calibration_pictures, trained.seed)
    return uncompressed_classifier(trained, pictures)


def _layers(found: CompressedClassifier) -> list[dict[str, Any]] | None:
    """What rounding each layer adds, worst first; None where nothing is rounded to whole numbers."""
    if found.scheme not in ("int8", "int8-qat"):
        return None
    diagnosis = QuantizationDebugger(found).diagnosis()
    kept = ("layer", "error", "weights")
    return [{name: asdict(layer)[name] for name in kept} for layer in diagnosis.layers]


__all__ = ["build_and_ask", "is_trained", "train_once"]
