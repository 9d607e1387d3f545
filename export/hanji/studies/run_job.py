"""One recipe with one seed, from the trained full model to what its bundle answers; or the training itself.

    python -m hanji.studies.run_job REQUEST.json

does it in a process of its own, so that a converter that crashes or takes all memory ends this job only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from hanji.export.clock import Clock
from hanji.studies.job import ROW, Job
from hanji.studies.variant import Variant
from hanji.training.errors import HanjiError
from hanji.training.files import atomic_directory, write_text_atomic
from hanji.training.recipe_file import RecipeFile, read_recipe_file


def run(job: Job) -> None:
    """Do it; what an earlier process finished is taken as it is."""
    base = read_recipe_file(job.base, seed=job.seed)
    if job.variant is None:
        trained_once(base, job.data, job.work)
    else:
        run_job(base, job.variant, job)


def trained_once(base: RecipeFile, data: Path | None, work: Path) -> None:
    """Train the full model of ``base`` into WORK/trained, unless it is there already."""
    work.mkdir(parents=True, exist_ok=True)
    if base.task == "image-classification":
        from hanji.studies.picture_stages import train_once
    else:
        from hanji.studies.ranking_stages import train_once
    train_once(base, data, work)


def is_trained(base: RecipeFile, work: Path) -> bool:
    """Whether an earlier run left the full model of ``base`` in WORK/trained."""
    if base.task == "image-classification":
        from hanji.studies.picture_stages import is_trained
    else:
        from hanji.studies.ranking_stages import is_trained
    return is_trained(base, work)


def run_job(base: RecipeFile, variant: Variant, job: Job) -> None:
    """Compress, export and ask one variant; OUT appears whole or not at all.

    Raises whatever a step raises. Checkpoints stay in WORK/checkpoints/SLUG, so that a job that was stopped
    goes on there.
    """
    if base.task == "image-classification":
        from hanji.studies.picture_stages import build_and_ask
    else:
        from hanji.studies.ranking_stages import build_and_ask
    with atomic_directory(job.out, replace=True) as aside:
        row = build_and_ask(base, variant, job, aside)
        row["seconds"] = _seconds(row["seconds"], variant, job.work)
        write_text_atomic(aside / ROW, json.dumps(row, indent=1, sort_keys=True) + "\n")


def _seconds(found: dict[str, float], variant: Variant, work: Path) -> dict[str, float]:
    """By stage. Nothing compresses the full model; the time of its training is its own and no recipe's."""
    if variant.tables:
        return found
    return Clock(work / "seconds.json").seconds | {stage: found[stage] for stage in ("export", "measure")}


def main() -> None:
    """Exit with 1 and one line on stderr where the job cannot be done."""
    from hanji.training.quiet import import_tensorflow

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


__all__ = ["is_trained", "run", "run_job", "trained_once"]
