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
    samples = _samples(study, data)  # reports invalid data once, before any job starts
    layout = StudyLayout(study, data, samples.contents, out)
    resumed = layout.has_results()
    count = jobs or os.cpu_count() or 1
    failed = run_all(layout.training_jobs(), jobs=count, what="Training full models")
    if failed:
        raise HanjiError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))
    reasons = run_all(layout.recipe_jobs(), jobs=count, what="Recipes")
    rows = _rows(study, layout, reasons, samples)
    rows = _timed(rows, layout, study)
    seconds = None if resumed else round(time.monotonic() - start, 1)
    return Comparison(study, rows, samples.about, seconds)


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
        about = samples.about or _about(dataset, task.protocol(dataset))
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


def _about(dataset: Any, protocol: str) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "synthetic": dataset.synthetic,
        "samples": len(dataset.test),
        "protocol": protocol,
    }


__all__ = ["Comparison", "compare"]
