"""The rows of a study, computed from the results of its jobs."""

from __future__ import annotations

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
from hanji.training.json_files import read_own_json

COMPARED = (
    "top1",
    "hr_at_10",
    "ndcg_at_10",
    "full_ranking_hr_at_10",
    "full_ranking_ndcg_at_10",
    "full_ranking_mrr",
)
"""Metrics that are means of one value per sample, so that differences can be bootstrapped."""


@dataclass(frozen=True)
class Run:
    """The results of one variant with one seed."""

    seed: int
    costs: dict[str, Any]
    outcomes: Outcomes


def load_run(seed: int, out: Path, kind: type[Outcomes]) -> Run:
    """Load the results of a job from ``out``; its outcomes are of this ``kind``."""
    costs = read_own_json(out / ROW)
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
    """The row of a variant from its runs with each seed; ``full`` is None for the full model itself.

    ``slices`` are by seed, since the split of the data may depend on it. ``labels`` are the class names.
    """
    metrics = [run.outcomes.metrics() for run in runs]
    first = runs[0].costs
    return Row(
        variant=variant,
        metrics={name: spread([by_name[name] for by_name in metrics]) for name in _in_all(metrics)},
        against_full=None if full is None else _differences(full, runs),
        formats={name: _sizes(runs, name) for name in first["formats"]},
        parameters=first["parameters"],
        non_zeros=first["non_zeros"],
        macs=first["macs"],
        agreement=None if full is None else _agreement(full, runs),
        slices=_slices(runs, slices, metric),
        confusion=_confusion(runs, labels),
        layers=first["layers"],
        seconds=_seconds(runs),
        runs=[_identity(run) for run in runs],
    )


def _in_all(metrics: Sequence[Mapping[str, float]]) -> list[str]:
    """The metrics that are defined for every seed; diversity may be undefined for some."""
    return [name for name in metrics[0] if all(name in by_name for by_name in metrics)]


def _differences(full: Sequence[Run], other: Sequence[Run]) -> dict[str, Difference]:
    names = [name for name in COMPARED if name in other[0].outcomes.metrics()]
    samples = [run.outcomes.samples for run in full]
    same = all(np.array_equal(identifiers, samples[0]) for identifiers in samples)
    return {
        name: paired_bootstrap(
            [run.outcomes.each(name) for run in full],
            [run.outcomes.each(name) for run in other],
            same_samples=same,
        )
        for name in names
    }


def _sizes(runs: Sequence[Run], name: str) -> SizeOfFormat:
    sizes = [run.costs["formats"][name] for run in runs]
    return SizeOfFormat(*(spread([by_key[key] for by_key in sizes]) for key in ("bytes", "gzip_bytes")))


def _agreement(full: Sequence[Run], other: Sequence[Run]) -> dict[str, float]:
    values = [b.outcomes.agreement(a.outcomes) for a, b in zip(full, other, strict=True)]
    return {name: statistics.fmean([by_name[name] for by_name in values]) for name in values[0]}


def _slices(runs: Sequence[Run], slices: Mapping[int, Sequence[Slice]], metric: str) -> list[SliceResult]:
    """The metric per slice, as a mean over its samples; slices that are missing for a seed are omitted."""
    per_sample = {"macro_top1": "top1"}.get(metric, metric)
    results = []
    for part in slices[runs[0].seed]:
        by_seed = [_find(slices[run.seed], part) for run in runs]
        parts = [found for found in by_seed if found is not None]
        if len(parts) < len(runs):
            continue
        pairs = zip(runs, parts, strict=True)
        means = [float(run.outcomes.each(per_sample)[found.mask].mean()) for run, found in pairs]
        over_seeds = spread(means)
        samples = round(statistics.fmean([int(found.mask.sum()) for found in parts]))
        results.append(SliceResult(part.group, part.name, samples, over_seeds.mean, over_seeds.sd))
    return results


def _find(slices: Sequence[Slice], part: Slice) -> Slice | None:
    return next((other for other in slices if (other.group, other.name) == (part.group, part.name)), None)


def _confusion(runs: Sequence[Run], labels: Sequence[str] | None) -> dict[str, Any] | None:
    """The confusion matrix, true classes by predicted classes, summed over the seeds."""
    matrices = [run.outcomes.confusion() for run in runs]
    counts = [matrix for matrix in matrices if matrix is not None]
    if labels is None or not counts:
        return None
    return {"labels": list(labels), "counts": np.sum(counts, axis=0).tolist()}


def _seconds(runs: Sequence[Run]) -> dict[str, float]:
    seconds = [run.costs["seconds"] for run in runs]
    stages = [stage for stage in seconds[0] if all(stage in by_stage for by_stage in seconds)]
    return {stage: round(statistics.fmean([by_stage[stage] for by_stage in seconds]), 1) for stage in stages}


def _identity(run: Run) -> dict[str, Any]:
    hashes = {name: run.costs[name] for name in ("manifest_sha256", "bundle_sha256")}
    return {"seed": run.seed, **hashes}


__all__ = ["Run", "load_run", "row_of"]
