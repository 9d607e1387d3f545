"""`hanji compare`: every recipe of a study with every seed, measured on the exported bundles."""

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


@dataclass(frozen=True)
class Comparison:
    """The results of a study: one row per recipe, that of the full model first."""

    study: Study
    rows: Sequence[Row]
    data: dict[str, Any]
    seconds: float | None
    """Total duration; None if parts were reused from an earlier run."""


def compare(study: Study, *, data: Path | None, out: Path, jobs: int | None = None) -> Comparison:
    """Run the study in ``out``; results of an earlier run are reused.

    HanjiError for data that cannot be read, and if the full model, the baseline, cannot be trained. A recipe
    that fails is a row with its reason.
    """
    start = time.monotonic()
    for line in study.skipped:
        logger.info(f"skipped: {line}")
    layout = StudyLayout(study, data, out)
    resumed = layout.has_results()
    about = _about(_dataset(study, data, study.seeds[0]))  # reports invalid data once, before any job starts
    count = jobs or os.cpu_count() or 1
    failed = run_all(layout.training_jobs(), jobs=count, what="Training full models")
    if failed:
        raise HanjiError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))
    reasons = run_all(layout.recipe_jobs(), jobs=count, what="Recipes")
    rows = _rows(study, layout, reasons, data)
    rows = _timed(rows, layout, study)
    seconds = None if resumed else round(time.monotonic() - start, 1)
    return Comparison(study, rows, about, seconds)


def _rows(study: Study, layout: StudyLayout, reasons: Mapping[str, str], data: Path | None) -> list[Row]:
    slices, labels = _slices(study, data)
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
        rows.append(row_of(variant, runs, full, slices, metric=study.metric, labels=labels))
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


def _slices(study: Study, data: Path | None) -> tuple[dict[int, list[Slice]], Sequence[str] | None]:
    """The slices by seed, since the split of the data may depend on it, and the names of the classes."""
    task, slices, labels = task_named(study.base.task), {}, None
    for seed in study.seeds:
        dataset = _dataset(study, data, seed)
        slices[seed] = task.slices(dataset)
        labels = task.class_names(dataset)
    return slices, labels


def _dataset(study: Study, data: Path | None, seed: int) -> Any:
    base, task = study.base, task_named(study.base.task)
    return task.load(base.settings("data", task.data_config), data, seed=seed)


def _about(dataset: Any) -> dict[str, Any]:
    return {"name": dataset.name, "synthetic": dataset.synthetic, "samples": len(dataset.test)}


__all__ = ["Comparison", "compare"]
