"""The stages of one recommender of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hanji.compression.compress import compress, uncompressed
from hanji.export.build import earlier_trained, plan_of, train_into
from hanji.export.clock import Clock
from hanji.export.signatures import precomputed_signatures
from hanji.export.writer import export_bundle
from hanji.studies.costs import costs_of
from hanji.studies.job import OUTCOMES, Job, checkpoints_of
from hanji.studies.outcomes import outcomes_of, save_outcomes
from hanji.studies.study import file_of
from hanji.studies.variant import Variant
from hanji.training.data import load_dataset
from hanji.training.models.macs import catalogue_macs
from hanji.training.recipe_file import RecipeFile
from hanji.training.trained import load_trained


def train_once(base: RecipeFile, data: Path | None, work: Path) -> None:
    """The full model, in WORK/trained."""
    if not is_trained(base, work):
        plan = plan_of(base)
        with Clock(work / "seconds.json").stage("train"):
            train_into(plan, load_dataset(plan.data, data), work)


def is_trained(base: RecipeFile, work: Path) -> bool:
    """Whether WORK/trained is the full model of ``base``."""
    return earlier_trained(plan_of(base), work) is not None


def build_and_ask(base: RecipeFile, variant: Variant, job: Job, out: Path) -> dict[str, Any]:
    """Write OUT/bundle and OUT/outcomes.npz; what they cost, ready for JSON."""
    plan = plan_of(file_of(base, variant, job.seed))
    trained, dataset = load_trained(job.work / "trained"), load_dataset(plan.data, job.data)
    clock = Clock(out / "seconds.json")
    with clock.stage("compress"):
        work = checkpoints_of(job.work, variant)
        found = (
            compress(trained, plan.recipe, dataset, work=work) if variant.tables else uncompressed(trained)
        )
    with clock.stage("export"):
        export_bundle(
            found,
            out / "bundle",
            formats=job.formats,
            unknown_user=plan.export.unknown_user,
            unknown_item=plan.export.unknown_item,
        )
    with clock.stage("measure"):
        save_outcomes(outcomes_of(out / "bundle", dataset, engine=job.engine), out / OUTCOMES)
    folded = "catalogue" in precomputed_signatures(found.scheme)
    macs = catalogue_macs(found.config, found.full.data.items, folded=folded)
    return {**costs_of(out / "bundle", found.model), "macs": macs, "layers": None, "seconds": clock.seconds}


__all__ = ["build_and_ask", "is_trained", "train_once"]
