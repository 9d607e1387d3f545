"""The directory layout of a study, and the jobs for its missing parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from hanji.export.bundle.build_report import PACKAGES
from hanji.studies.job import ROW, Job, share_checkpoints
from hanji.studies.outcomes import FORMAT
from hanji.studies.run_job import is_trained
from hanji.studies.schedule import PlannedJob
from hanji.studies.sharing import Work
from hanji.studies.study import Study
from hanji.studies.variant import FULL, Variant
from hanji.training.recipe_file import read_recipe_file


class StudyLayout:
    """The paths of a study's parts, and the jobs for those that are missing.

    ``contents`` are the hashes of the data by seed, since the split may depend on it.
    """

    def __init__(self, study: Study, data: Path | None, contents: Mapping[int, str], out: Path) -> None:
        self.study, self.data, self.contents, self.out = study, data, contents, out
        self.variants = (FULL, *study.variants)

    def has_results(self) -> bool:
        """Whether an earlier run of the study left results or checkpoints to resume from."""
        return (self.out / "work").exists()

    def run_dir(self, variant: Variant, seed: int) -> Path:
        """The directory of one variant with one seed, named after a hash of all that it depends on."""
        base = self.study.base
        about = [base.task, base.data, base.model, base.training, base.export, self.study.formats]
        measured = [_versions(), FORMAT, self.contents[seed]]
        text = json.dumps([about, variant.tables, *measured], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        return self.out / "runs" / f"seed-{seed}" / f"{variant.slug}-{digest}"

    def shared_work(self) -> Work:
        """What several machines must agree on to share the study."""
        contents = {str(seed): content for seed, content in self.contents.items()}
        budgets = [asdict(budget) for budget in self.study.budgets]
        study = hashlib.sha256(json.dumps([self.study.sha256, budgets]).encode()).hexdigest()
        return Work(study, contents, _versions())

    def work_dir(self, seed: int) -> Path:
        """The directory shared by all recipes with one seed."""
        return self.out / "work" / f"seed-{seed}"

    def bundle(self, variant: Variant) -> Path:
        """The bundle of the first seed, whose latency is measured."""
        return self.run_dir(variant, self.study.seeds[0]) / "bundle"

    def training_jobs(self) -> list[PlannedJob]:
        """Trainings of the full model, for each seed without one from an earlier run."""
        return [
            PlannedJob(f"seed {seed}", self._job(None, seed), self.work_dir(seed) / "train.log")
            for seed in self.study.seeds
            if not self._is_trained(seed)
        ]

    def recipe_jobs(self) -> list[PlannedJob]:
        """Jobs for all missing results, seed by seed."""
        jobs = []
        for seed in self.study.seeds:
            leaders: dict[str, Variant] = {}
            for variant in self.variants:
                if (self.run_dir(variant, seed) / ROW).is_file():
                    leaders.setdefault(variant.family, variant)
                    continue
                jobs.append(self._planned(variant, seed, leaders))
        return jobs

    def _is_trained(self, seed: int) -> bool:
        base = read_recipe_file(self.study.base.path, seed=seed)
        return is_trained(base, self.contents[seed], self.work_dir(seed))

    def _planned(self, variant: Variant, seed: int, leaders: dict[str, Variant]) -> PlannedJob:
        """A job that runs after the first recipe with the same distillation, to reuse its student."""
        leader = leaders.setdefault(variant.family, variant) if variant.family else variant
        log = self.work_dir(seed) / "logs" / f"{variant.slug}.log"
        planned = PlannedJob(job_name(variant, seed), self._job(variant, seed), log)
        if leader is variant:
            return planned
        share = partial(share_checkpoints, self.work_dir(seed), leader, variant)
        is_done = (self.run_dir(leader, seed) / ROW).is_file()
        return replace(planned, after="" if is_done else job_name(leader, seed), before_start=share)

    def _job(self, variant: Variant | None, seed: int) -> Job:
        study = self.study
        return Job(
            base=study.base.path,
            variant=variant,
            seed=seed,
            formats=study.formats,
            data=self.data,
            work=self.work_dir(seed),
            out=self.work_dir(seed) if variant is None else self.run_dir(variant, seed),
            layers=seed == study.seeds[0],
        )


def job_name(variant: Variant, seed: int) -> str:
    """The name of a job in logs and errors, and for the order of jobs."""
    return f"{variant.name} (seed {seed})"


def _versions() -> dict[str, str]:
    return {package: version(package) for package in PACKAGES}


__all__ = ["StudyLayout", "job_name"]
