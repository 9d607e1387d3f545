"""One recipe with one seed, from the trained full model to what its bundle answers; or the training itself.

    python -m hanji.studies.run_job REQUEST.json

does it in a process of its own, so that a converter that crashes or takes all memory ends this job only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from hanji.export.pipeline import earlier_trained, plan_of, train_into, with_formats
from hanji.export.reporting.clock import Clock
from hanji.studies.costs import costs_of
from hanji.studies.job import OUTCOMES, ROW, Job, checkpoints_of
from hanji.studies.outcomes import save_outcomes
from hanji.studies.study import file_of
from hanji.studies.task import task_named
from hanji.studies.variant import Variant
from hanji.training.errors import HanjiError
from hanji.training.files import atomic_directory, write_text_atomic
from hanji.training.recipe_file import RecipeFile, read_recipe_file


def run(job: Job) -> None:
    """Do it; what an earlier process finished is reused."""
    base = read_recipe_file(job.base, seed=job.seed)
    if job.variant is None:
        train_once(base, job.data, job.work)
    else:
        run_variant(base, job.variant, job)


def train_once(base: RecipeFile, data: Path | None, work: Path) -> None:
    """Train the full model of ``base`` into WORK/trained, unless it is there already."""
    work.mkdir(parents=True, exist_ok=True)
    if not is_trained(base, work):
        plan = plan_of(base)
        dataset = plan.task.load(plan.data, data, seed=base.seed)
        with Clock(work / "seconds.json").stage("train"):
            train_into(plan, dataset, work)


def is_trained(base: RecipeFile, work: Path) -> bool:
    """Whether an earlier run left the full model of ``base`` in WORK/trained."""
    return earlier_trained(plan_of(base), work) is not None


def run_variant(base: RecipeFile, variant: Variant, job: Job) -> None:
    """Compress, export and measure one variant; OUT appears whole or not at all.

    Raises whatever a step raises. Checkpoints stay in WORK/checkpoints/SLUG, from which an interrupted job
    resumes.
    """
    with atomic_directory(job.out, replace=True) as aside:
        row = _costs_and_outcomes(base, variant, job, aside)
        row["seconds"] = _seconds(row["seconds"], variant, job.work)
        write_text_atomic(aside / ROW, json.dumps(row, indent=1, sort_keys=True) + "\n")


def _costs_and_outcomes(base: RecipeFile, variant: Variant, job: Job, out: Path) -> dict[str, Any]:
    """Write OUT/bundle and OUT/outcomes.npz; the costs, ready for JSON."""
    task, plan = task_named(base.task), plan_of(file_of(base, variant, job.seed))
    dataset = task.load(plan.data, job.data, seed=job.seed)
    trained = task.load_trained(job.work / "trained")
    clock = Clock(out / "seconds.json")
    with clock.stage("compress"):
        if variant.tables:
            work = checkpoints_of(job.work, variant)
            found = task.compress(trained, plan.recipe, dataset, work=work)
        else:
            found = task.uncompressed(trained, dataset, plan.recipe)
    with clock.stage("export"):
        config = plan.export if variant.tables else task.full_export(plan.export)
        task.export(found, out / "bundle", with_formats(config, job.formats), dataset=dataset)
    with clock.stage("measure"):
        outcomes = task.outcomes_of(out / "bundle", dataset, engine=job.engine)
        save_outcomes(outcomes, out / OUTCOMES)
    costs = costs_of(out / "bundle", task.network(found))
    layers = task.layer_errors(found) if job.layers else None
    return {**costs, "macs": task.macs(found), "layers": layers, "seconds": clock.seconds}


def _seconds(found: dict[str, float], variant: Variant, work: Path) -> dict[str, float]:
    """By stage. Nothing compresses the full model; the time of its training is its own and no recipe's."""
    if variant.tables:
        return found
    return Clock(work / "seconds.json").seconds | {stage: found[stage] for stage in ("export", "measure")}


def main() -> None:
    """Exit with 1 and one line on stderr where the job cannot be done."""
    from hanji.training.progress import show_progress
    from hanji.training.quiet import import_tensorflow

    show_progress()

    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    import_tensorflow()
    try:
        run(Job.of_json(asked))
    except HanjiError as error:
        sys.exit(" ".join(str(error).split()))
    except MemoryError:
        sys.exit("not enough memory")


if __name__ == "__main__":
    main()


__all__ = ["is_trained", "run", "run_variant", "train_once"]
