"""From what the jobs left on disk to the rows of the study."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hanji.studies.job import OUTCOMES, ROW
from hanji.studies.outcomes import Outcomes, load_outcomes
from hanji.studies.results import Row, SizeOfFormat, SliceResult
from hanji.studies.slices import Slice
from hanji.studies.statistics import Difference, paired_bootstrap, spread
from hanji.studies.variant import Variant

COMPARED = ("top1", "hr_at_10", "ndcg_at_10")
"""Metrics that are means of one value a sample, so that differences can be resampled."""


@dataclass(frozen=True)
class Run:
    """One variant with one seed, finished."""

    seed: int
    costs: dict[str, Any]
    outcomes: Outcomes


def load_run(seed: int, out: Path, kind: type[Outcomes]) -> Run:
    """What a job left in ``out``; its outcomes are of this ``kind``."""
    costs = json.loads((out / ROW).read_text(encoding="utf-8"))
    return Run(seed, costs, load_outcomes(out / OUTCOMES, kind))


def row_of(
    variant: Variant,
    runs: Sequence[Run],
    full: Sequence[Run] | None,
    slices: Mapping[int, Sequence[Slice]],
    *,
    metric: str,
    labels: Sequence[str] | None,
) -> Row:
    """The row of a variant from its run with each seed; ``full`` is None for the full model itself.

    ``slices`` are by seed, for a seed may split the data in its own way. ``labels`` are the classes' names.
    """
    found = [run.outcomes.metrics() for run in runs]
    first = runs[0].costs
    return Row(
        variant=variant,
        metrics={name: spread([one[name] for one in found]) for name in found[0]},
        against_full=None if full is None else _differences(full, runs),
        formats={name: _sizes(runs, name) for name in first["formats"]},
        parameters=first["parameters"],
        non_zeros=first["non_zeros"],
        macs=first["macs"],
        likeness=None if full is None else _likeness(full, runs),
        slices=_slices(runs, slices, metric),
        confusion=_confusion(runs, labels),
        layers=first["layers"],
        seconds=_seconds(runs),
        runs=[_identity(run) for run in runs],
    )


def _differences(full: Sequence[Run], other: Sequence[Run]) -> dict[str, Difference]:
    names = [name for name in COMPARED if name in other[0].outcomes.metrics()]
    samples = [run.outcomes.samples for run in full]
    same = all(np.array_equal(one, samples[0]) for one in samples)
    return {
        name: paired_bootstrap(
            [run.outcomes.each(name) for run in full],
            [run.outcomes.each(name) for run in other],
            same_samples=same,
        )
        for name in names
    }


def _sizes(runs: Sequence[Run], name: str) -> SizeOfFormat:
    found = [run.costs["formats"][name] for run in runs]
    return SizeOfFormat(*(spread([one[key] for one in found]) for key in ("bytes", "gzip_bytes")))


def _likeness(full: Sequence[Run], other: Sequence[Run]) -> dict[str, float]:
    found = [b.outcomes.agreement(a.outcomes) for a, b in zip(full, other, strict=True)]
    return {name: statistics.fmean([one[name] for one in found]) for name in found[0]}


def _slices(runs: Sequence[Run], slices: Mapping[int, Sequence[Slice]], metric: str) -> list[SliceResult]:
    """A part that some seed does not have is left out. Means of one value a sample: not of the classes."""
    each = {"macro_top1": "top1"}.get(metric, metric)
    found = []
    for part in slices[runs[0].seed]:
        same = [_same(slices[run.seed], part) for run in runs]
        parts = [one for one in same if one is not None]
        if len(parts) < len(runs):
            continue
        pairs = zip(runs, parts, strict=True)
        means = [float(run.outcomes.each(each)[one.chosen].mean()) for run, one in pairs]
        over_seeds = spread(means)
        samples = round(statistics.fmean([int(one.chosen.sum()) for one in parts]))
        found.append(SliceResult(part.group, part.name, samples, over_seeds.mean, over_seeds.sd))
    return found


def _same(slices: Sequence[Slice], wanted: Slice) -> Slice | None:
    return next((one for one in slices if (one.group, one.name) == (wanted.group, wanted.name)), None)


def _confusion(runs: Sequence[Run], labels: Sequence[str] | None) -> dict[str, Any] | None:
    """How often a class (row) was taken for a class (column), all seeds together."""
    found = [run.outcomes.confusion() for run in runs]
    counts = [table for table in found if table is not None]
    if labels is None or not counts:
        return None
    return {"labels": list(labels), "counts": np.sum(counts, axis=0).tolist()}


def _seconds(runs: Sequence[Run]) -> dict[str, float]:
    found = [run.costs["seconds"] for run in runs]
    stages = [stage for stage in found[0] if all(stage in one for one in found)]
    return {stage: round(statistics.fmean([one[stage] for one in found]), 1) for stage in stages}


def _identity(run: Run) -> dict[str, Any]:
    hashes = {name: run.costs[name] for name in ("manifest_sha256", "bundle_sha256")}
    return {"seed": run.seed, **hashes}


__all__ = ["Run", "load_run", "row_of"]
