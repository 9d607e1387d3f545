"""`hanji compare`: every recipe of a study with every seed, measured on the exported bundles."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hanji.export.bundle.engines import DEVICE_ENGINES
from hanji.studies.board import Board
from hanji.studies.job import ROW
from hanji.studies.latency import CallTimes, Footprint, footprint, interleaved
from hanji.studies.results import Row
from hanji.studies.rows import Run, load_run, row_of
from hanji.studies.schedule import run_all
from hanji.studies.sharing import alone
from hanji.studies.slices import Slice
from hanji.studies.study import Study
from hanji.studies.study_layout import StudyLayout, job_name
from hanji.studies.task import StudyTask, task_named
from hanji.studies.variant import FULL
from hanji.training.errors import HanjiError
from hanji.training.progress import logger, progress


@dataclass(frozen=True)
class Comparison:
    """The results of a study: one row per recipe, that of the full model first."""

    study: Study
    rows: Sequence[Row]
    data: dict[str, Any]
    seconds: float | None
    """Total duration; None if parts were reused from an earlier run or made on other machines."""

    timed_on: str = ""
    """The machine that measured latency, if several machines shared the study."""


class StudyRun:
    """A study with its data, ready to run in ``out``; results of an earlier run are reused.

    HanjiError for data that cannot be read, before any job starts.
    """

    def __init__(self, study: Study, data: Path | None, out: Path) -> None:
        self._start = time.monotonic()
        self.study = study
        for line in study.skipped:
            logger.info(f"skipped: {line}")
        self._samples = _samples(study, data)
        self.layout = StudyLayout(study, data, self._samples.contents, out)

    def run_jobs(self, jobs: int | None, board: Board | None = None) -> dict[str, str]:
        """Run the missing jobs, ``jobs`` at a time (None: as many as cores); returns why recipes failed.

        HanjiError if the full model, the baseline, cannot be trained.
        """
        count = jobs or os.cpu_count() or 1
        failed = run_all(self.layout.training_jobs(), jobs=count, what="Training full models", board=board)
        if failed:
            raise HanjiError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))
        return run_all(self.layout.recipe_jobs(), jobs=count, what="Recipes", board=board)

    def comparison(self, reasons: Mapping[str, str], *, timed_on: str = "") -> Comparison:
        """The results of all jobs, with latencies, which are measured now and on this machine."""
        rows = _rows(self.study, self.layout, reasons, self._samples)
        return Comparison(
            self.study, _timed(rows, self.layout, self.study), self._samples.about, None, timed_on
        )

    @property
    def seconds(self) -> float:
        """Duration so far."""
        return round(time.monotonic() - self._start, 1)


def compare(study: Study, *, data: Path | None, out: Path, jobs: int | None = None) -> Comparison:
    """Run the study in ``out``; results of an earlier run are reused.

    HanjiError for data that cannot be read, if the full model, the baseline, cannot be trained, and if
    another command works in ``out``. A recipe that fails is a row with its reason.
    """
    run = StudyRun(study, data, out)
    with alone(out, "hanji compare"):
        resumed = run.layout.has_results()
        comparison = run.comparison(run.run_jobs(jobs))
    return comparison if resumed else replace(comparison, seconds=run.seconds)


@dataclass(frozen=True)
class _Samples:
    """The data of a study: what its page says about it, its hash and slices by seed, its class names."""

    about: dict[str, Any]
    contents: dict[int, str]
    slices: dict[int, list[Slice]]
    labels: Sequence[str] | None


def _samples(study: Study, data: Path | None) -> _Samples:
    """Load the data once for each seed, since its split may depend on the seed."""
    task = task_named(study.base.task)
    config = study.base.settings("data", task.data_config)
    samples = _Samples({}, {}, {}, None)
    for seed in study.seeds:
        dataset = task.load(config, data, seed=seed)
        samples.contents[seed], samples.slices[seed] = dataset.content, task.slices(dataset)
        about = samples.about or _about(dataset, task, study.metric)
        samples = replace(samples, about=about, labels=task.class_names(dataset))
    return samples


def _rows(study: Study, layout: StudyLayout, reasons: Mapping[str, str], samples: _Samples) -> list[Row]:
    kind = task_named(study.base.task).outcomes
    full: list[Run] | None = None
    rows = []
    for variant in layout.variants:
        failed = [
            f"seed {seed}: {reasons.get(job_name(variant, seed), 'its job wrote no result')}"
            for seed in study.seeds
            if not (layout.run_dir(variant, seed) / ROW).is_file()
        ]
        if failed or (full is None and variant is not FULL):
            rows.append(Row(variant, reason="; ".join(failed) or "the full model failed"))
            continue
        runs = [load_run(seed, layout.run_dir(variant, seed), kind) for seed in study.seeds]
        row = row_of(variant, runs, full, samples.slices, metric=study.metric, labels=samples.labels)
        rows.append(row)
        full = full or runs
    return rows


def _timed(rows: Sequence[Row], layout: StudyLayout, study: Study) -> list[Row]:
    """The rows with latency, peak memory and cold start, measured after all jobs have ended."""
    bundles = {row.variant.name: layout.bundle(row.variant) for row in rows if not row.failed}
    formats = [name for name in study.formats if name in DEVICE_ENGINES]
    with progress("Timing") as task:
        task.expect(len(formats) + len(bundles))
        times = {}
        for engine in (DEVICE_ENGINES[name] for name in formats):
            times[engine] = interleaved(bundles, engine)
            task.advance()
        footprints = {}
        for name, bundle in bundles.items():
            footprints[name] = footprint(bundle, study.engine)
            task.advance()
    return [row if row.failed else _with_times(row, times, footprints) for row in rows]


def _with_times(
    row: Row, times: Mapping[str, Mapping[str, CallTimes]], footprints: Mapping[str, Footprint]
) -> Row:
    name = row.variant.name
    latency = {engine: by_name[name] for engine, by_name in times.items() if name in by_name}
    return replace(row, latency=latency, footprint=footprints[name])


def _about(dataset: Any, task: StudyTask[Any, Any, Any], metric: str) -> dict[str, Any]:
    phrases = list(dict.fromkeys(task.protocol_of(name, dataset) for name in task.metrics))
    return {
        "name": dataset.name,
        "synthetic": dataset.synthetic,
        "samples": len(dataset.test),
        "protocol": task.protocol_of(metric, dataset),
        **({"protocols": phrases} if len(phrases) > 1 else {}),
    }


__all__ = ["Comparison", "StudyRun", "compare"]
