"""Where the parts of a study lie on disk, and which of them are still to be made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from hanji.export.reporting.build_report import PACKAGES
from hanji.studies.job import ROW, Job, share_checkpoints
from hanji.studies.run_job import is_trained
from hanji.studies.schedule import Planned
from hanji.studies.study import Study
from hanji.studies.variant import FULL, Variant
from hanji.training.recipe_file import read_recipe_file


class StudyLayout:
    """Where the parts of a study lie, and what is still to be done."""

    def __init__(self, study: Study, data: Path | None, out: Path) -> None:
        self.study, self.data, self.out = study, data, out
        self.variants = (FULL, *study.variants)

    def begun(self) -> bool:
        """Whether an earlier run of the study left something that this one can go on from."""
        return (self.out / "work").exists()

    def run_of(self, variant: Variant, seed: int) -> Path:
        """The directory of one variant with one seed; its name holds all that decides its content."""
        base = self.study.base
        about = [base.task, base.data, base.model, base.training, base.export, self.study.formats]
        text = json.dumps([about, variant.tables, _versions()], sort_keys=True)
        decides = hashlib.sha256(text.encode()).hexdigest()[:10]
        return self.out / "runs" / f"seed-{seed}" / f"{variant.slug}-{decides}"

    def work(self, seed: int) -> Path:
        """What the recipes of one seed share."""
        return self.out / "work" / f"seed-{seed}"

    def bundle(self, variant: Variant) -> Path:
        """Of the first seed: the one that is timed."""
        return self.run_of(variant, self.study.seeds[0]) / "bundle"

    def trainings(self) -> list[Planned]:
        """Of the full model, with each seed that no earlier run has trained it with."""
        return [
            Planned(f"seed {seed}", self._job(None, seed), self.work(seed) / "train.log")
            for seed in self.study.seeds
            if not is_trained(read_recipe_file(self.study.base.path, seed=seed), self.work(seed))
        ]

    def planned(self) -> list[Planned]:
        """What has not been done yet, a seed after the other."""
        found = []
        for seed in self.study.seeds:
            leaders: dict[str, Variant] = {}
            for variant in self.variants:
                if (self.run_of(variant, seed) / ROW).is_file():
                    leaders.setdefault(variant.family, variant)
                    continue
                found.append(self._planned(variant, seed, leaders))
        return found

    def _planned(self, variant: Variant, seed: int, leaders: dict[str, Variant]) -> Planned:
        """After the first recipe that begins with the same distillation, whose student it takes over."""
        leader = leaders.setdefault(variant.family, variant) if variant.family else variant
        log = self.work(seed) / "logs" / f"{variant.slug}.log"
        planned = Planned(job_name(variant, seed), self._job(variant, seed), log)
        if leader is variant:
            return planned
        share = partial(share_checkpoints, self.work(seed), leader, variant)
        is_done = (self.run_of(leader, seed) / ROW).is_file()
        return replace(planned, after="" if is_done else job_name(leader, seed), before_start=share)

    def _job(self, variant: Variant | None, seed: int) -> Job:
        study = self.study
        return Job(
            base=study.base.path,
            variant=variant,
            seed=seed,
            formats=study.formats,
            data=self.data,
            work=self.work(seed),
            out=self.work(seed) if variant is None else self.run_of(variant, seed),
            layers=seed == study.seeds[0],
        )


def job_name(variant: Variant, seed: int) -> str:
    """What a job is called in progress, reasons and the order of jobs."""
    return f"{variant.name} (seed {seed})"


def _versions() -> dict[str, str]:
    return {package: version(package) for package in PACKAGES}


__all__ = ["StudyLayout", "job_name"]
