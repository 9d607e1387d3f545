"""One recipe with one seed, from the trained full model to the outcomes of its bundle; or the training.

    python -m hanji.studies.run_job REQUEST.json

runs it in a separate process, so that a converter that crashes or runs out of memory ends only this job.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from hanji.export.pipeline import Clock, earlier_trained, plan_of, train_into, with_formats
from hanji.studies.costs import costs_of
from hanji.studies.job import END_WITH_STDIN, OUTCOMES, ROW, Job, checkpoints_of
from hanji.studies.outcomes import save_outcomes
from hanji.studies.study import file_of
from hanji.studies.task import task_named
from hanji.studies.variant import Variant
from hanji.training.errors import HanjiError
from hanji.training.files import atomic_directory, write_text_atomic
from hanji.training.recipe_file import RecipeFile, read_recipe_file


def run(job: Job) -> None:
    """Run the job; results of an earlier process are reused."""
    base = read_recipe_file(job.base, seed=job.seed)
    if job.variant is None:
        train_once(base, _load(base, job), job.work)
    else:
        run_variant(base, job.variant, job)


def train_once(base: RecipeFile, dataset: Any, work: Path) -> None:
    """Train the full model of ``base`` on ``dataset`` into WORK/trained, unless it is already there."""
    work.mkdir(parents=True, exist_ok=True)
    if not is_trained(base, dataset.content, work):
        plan = plan_of(base)
        with Clock(work / "seconds.json").stage("train"):
            train_into(plan, dataset, work)


def is_trained(base: RecipeFile, content: str, work: Path) -> bool:
    """Whether WORK/trained has the full model of ``base`` on the data with the hash ``content``."""
    return earlier_trained(plan_of(base), content, work) is not None


def run_variant(base: RecipeFile, variant: Variant, job: Job) -> None:
    """Compress, export and measure one variant; OUT is written atomically.

    Raises any error of a step. Checkpoints are kept in WORK/checkpoints/SLUG, from which an interrupted job
    resumes.
    """
    with atomic_directory(job.out, replace=True) as temporary:
        row = _costs_and_outcomes(base, variant, job, temporary)
        row["seconds"] = _seconds(row["seconds"], variant, job.work)
        write_text_atomic(temporary / ROW, json.dumps(row, indent=1, sort_keys=True) + "\n")


def _costs_and_outcomes(base: RecipeFile, variant: Variant, job: Job, out: Path) -> dict[str, Any]:
    """Write OUT/bundle and OUT/outcomes.npz, and return the costs, ready for JSON."""
    task, plan = task_named(base.task), plan_of(file_of(base, variant, job.seed))
    dataset = _load(base, job)
    trained = task.load_trained(job.work / "trained")
    clock = Clock(out / "seconds.json")
    with clock.stage("compress"):
        if variant.tables:
            work = checkpoints_of(job.work, variant)
            compressed = task.compress(trained, plan.recipe, dataset, work=work)
        else:
            compressed = task.uncompressed(trained, dataset, plan.recipe)
    with clock.stage("export"):
        config = plan.export if variant.tables else task.full_export(plan.export)
        task.export(compressed, out / "bundle", with_formats(config, job.formats), dataset=dataset)
    with clock.stage("measure"):
        outcomes = task.outcomes_of(out / "bundle", dataset, engine=job.engine)
        save_outcomes(outcomes, out / OUTCOMES)
    costs = costs_of(out / "bundle", task.network(compressed))
    layers = task.layer_errors(compressed) if job.layers else None
    return {**costs, "macs": task.macs(compressed), "layers": layers, "seconds": clock.seconds}


def _load(base: RecipeFile, job: Job) -> Any:
    task = task_named(base.task)
    return task.load(base.settings("data", task.data_config), job.data, seed=job.seed)


def _seconds(seconds: dict[str, float], variant: Variant, work: Path) -> dict[str, float]:
    """Seconds by stage; the full model has those of its training instead of a compression."""
    if variant.tables:
        return seconds
    return Clock(work / "seconds.json").seconds | {stage: seconds[stage] for stage in ("export", "measure")}


def _end_with_stdin() -> None:
    """End this process once stdin is closed: its study is gone, and the next run starts the job again."""
    os.read(0, 1)  # not sys.stdin, whose lock would abort the interpreter at its end
    os._exit(1)


def main() -> None:
    """Run the job of a request file; exit with 1 and one line on stderr if it fails."""
    from hanji.training.progress import show_progress
    from hanji.training.quiet import import_tensorflow

    show_progress()
    if END_WITH_STDIN in sys.argv:
        threading.Thread(target=_end_with_stdin, daemon=True).start()

    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    import_tensorflow()
    try:
        run(Job.from_json(request))
    except HanjiError as error:
        sys.exit(" ".join(str(error).split()))
    except MemoryError:
        sys.exit("not enough memory")


if __name__ == "__main__":
    main()


__all__ = ["is_trained", "run", "run_variant", "train_once"]
