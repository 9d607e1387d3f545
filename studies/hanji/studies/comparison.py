"""`hanji compare`: every recipe of a study with every seed, measured on what ships."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hanji.export.bundle.engines import DEVICE_ENGINES
from hanji.studies.job import ROW
from hanji.studies.latency import CallTimes, Footprint, footprint, interleaved
from hanji.studies.results import Row
from hanji.studies.rows import Run, load_run, row_of
from hanji.studies.schedule import run_all
from hanji.studies.slices import Slice
from hanji.studies.study import Study
from hanji.studies.study_layout import StudyLayout, job_name
from hanji.studies.task import task_named
from hanji.studies.variant import FULL
from hanji.training.errors import HanjiError
from hanji.training.progress import logger, progress
from hanji.training.settings import settings_from


@dataclass(frozen=True)
class Compared:
    """The rows, the full model's first."""

    study: Study
    rows: Sequence[Row]
    data: dict[str, Any]
    seconds: float | None
    """How long all of it took; None where an earlier run had done a part."""


def compare(study: Study, *, data: Path | None, out: Path, jobs: int | None = None) -> Compared:
    """Run the study in ``out``; what an earlier run finished is taken as it is.

    HanjiError for data that cannot be read, and if the full model cannot be trained: then there is nothing to
    compare with. A recipe that fails is a row with its reason.
    """
    start = time.monotonic()
    for line in study.skipped:
        logger.info(f"left out: {line}")
    layout = StudyLayout(study, data, out)
    resumed = layout.begun()
    about = _about(_dataset(study, data, study.seeds[0]))  # what is wrong with the data is said here, once
    count = jobs or os.cpu_count() or 1
    failed = run_all(layout.trainings(), jobs=count, what="Training full models")
    if failed:
        raise HanjiError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))
    reasons = run_all(layout.planned(), jobs=count, what="Recipes")
    rows = _rows(study, layout, reasons, data)
    rows = _timed(rows, layout, study)
    seconds = None if resumed else round(time.monotonic() - start, 1)
    return Compared(study, rows, about, seconds)


def _rows(study: Study, layout: StudyLayout, reasons: Mapping[str, str], data: Path | None) -> list[Row]:
    slices, labels = _slices(study, data)
    kind = task_named(study.base.task).outcomes
    full: list[Run] | None = None
    rows = []
    for variant in layout.variants:
        failed = [
            f"seed {seed}: {reasons.get(job_name(variant, seed), 'it left nothing')}"
            for seed in study.seeds
            if not (layout.run_of(variant, seed) / ROW).is_file()
        ]
        if failed or (full is None and variant is not FULL):
            rows.append(Row(variant, reason="; ".join(failed) or "the full model failed"))
            continue
        runs = [load_run(seed, layout.run_of(variant, seed), kind) for seed in study.seeds]
        rows.append(row_of(variant, runs, full, slices, metric=study.metric, labels=labels))
        full = full or runs
    return rows


def _timed(rows: Sequence[Row], layout: StudyLayout, study: Study) -> list[Row]:
    """The rows with latency, peak memory and cold start, measured now that nothing else runs."""
    bundles = {row.variant.name: layout.bundle(row.variant) for row in rows if not row.failed}
    formats = [name for name in study.formats if name in DEVICE_ENGINES]
    with progress("Timing") as task:
        task.expect(len(formats) + len(bundles))
        times = {}
        for engine in (DEVICE_ENGINES[name] for name in formats):
            times[engine] = interleaved(bundles, engine)
            task.advance()
        feet = {}
        for name, bundle in bundles.items():
            feet[name] = footprint(bundle, study.engine)
            task.advance()
    return [row if row.failed else _with_times(row, times, feet) for row in rows]


def _with_times(row: Row, times: Mapping[str, Mapping[str, CallTimes]], feet: Mapping[str, Footprint]) -> Row:
    name = row.variant.name
    latency = {engine: found[name] for engine, found in times.items() if name in found}
    return replace(row, latency=latency, footprint=feet[name])


def _slices(study: Study, data: Path | None) -> tuple[dict[int, list[Slice]], Sequence[str] | None]:
    """By seed, since a seed may split the data in its own way; and the names of the classes."""
    task, found, labels = task_named(study.base.task), {}, None
    for seed in study.seeds:
        dataset = _dataset(study, data, seed)
        found[seed] = task.slices(dataset)
        labels = task.class_names(dataset)
    return found, labels


def _dataset(study: Study, data: Path | None, seed: int) -> Any:
    base, task = study.base, task_named(study.base.task)
    return task.load(settings_from(task.data_config, base.data, f"{base.path}: data"), data, seed=seed)


def _about(dataset: Any) -> dict[str, Any]:
    return {"name": dataset.name, "synthetic": dataset.synthetic, "samples": len(dataset.test)}


__all__ = ["Compared", "compare"]
