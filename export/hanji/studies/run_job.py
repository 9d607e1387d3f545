"""One recipe with one seed, from the trained full model to what its bundle answers; or the training itself.

    python -m hanji.studies.run_job REQUEST.json

does it in a process of its own, so that a converter that crashes or takes all memory ends this job only.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hanji.export.config import Format
from hanji.export.measure import DEVICE_ENGINES
from hanji.studies.variant import Variant
from hanji.training.errors import HanjiError
from hanji.training.files import atomic_directory, write_text_atomic
from hanji.training.recipe_file import RecipeFile, read_recipe_file

ROW, OUTCOMES = "row.json", "outcomes.npz"


@dataclass(frozen=True)
class Job:
    """What one process is to do: train the full model once, or build and ask one ``variant``."""

    base: Path
    variant: Variant | None
    """None: train the full model."""

    seed: int
    formats: tuple[Format, ...]
    data: Path | None
    work: Path
    """Of the seed: the trained model is in WORK/trained."""

    out: Path
    """Of the job: OUT/bundle, OUT/outcomes.npz, OUT/row.json."""

    layers: bool = False
    """Whether to measure what rounding each layer costs."""

    @property
    def engine(self) -> str:
        """The engine that answers for the first format."""
        return DEVICE_ENGINES[self.formats[0]]

    def as_json(self) -> dict[str, Any]:
        """The content of the request."""
        variant = self.variant and {"name": self.variant.name, "tables": list(self.variant.tables)}
        paths = {"base": self.base, "data": self.data, "work": self.work, "out": self.out}
        plain = {name: None if path is None else str(path.resolve()) for name, path in paths.items()}
        return {
            **plain,
            "variant": variant,
            "seed": self.seed,
            "formats": self.formats,
            "layers": self.layers,
        }

    @classmethod
    def of_json(cls, asked: dict[str, Any]) -> Job:
        """What ``as_json`` wrote."""
        variant = asked["variant"] and Variant(asked["variant"]["name"], tuple(asked["variant"]["tables"]))
        data = asked["data"] and Path(asked["data"])
        formats, work, out = tuple(asked["formats"]), Path(asked["work"]), Path(asked["out"])
        return cls(Path(asked["base"]), variant, asked["seed"], formats, data, work, out, asked["layers"])


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
        write_text_atomic(aside / ROW, json.dumps(row, indent=1, sort_keys=True) + "\n")


def checkpoints_of(work: Path, variant: Variant) -> Path:
    """Where the trainings of one variant leave their checkpoints."""
    return work / "checkpoints" / variant.slug


def share_checkpoints(work: Path, done: Variant, other: Variant) -> None:
    """Give ``other``, which begins with the same distillation, the student and the teacher's answers."""
    source, target = checkpoints_of(work, done), checkpoints_of(work, other)
    target.mkdir(parents=True, exist_ok=True)
    for path in (source / "distilling.npz", source / "teacher"):
        if path.is_dir():
            shutil.copytree(path, target / path.name, dirs_exist_ok=True)
        elif path.is_file() and not (target / path.name).exists():
            shutil.copy2(path, target / path.name)


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


__all__ = ["OUTCOMES", "ROW", "Job", "checkpoints_of", "run", "run_job", "share_checkpoints", "trained_once"]
