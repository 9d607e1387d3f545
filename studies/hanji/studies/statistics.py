"""Spread over seeds, and significance of differences."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
RESAMPLES = 2000


@dataclass(frozen=True)
class Spread:
    """Statistics of one number per seed; ``sd`` is the sample standard deviation, None for a single seed."""

    mean: float
    sd: float | None
    min: float
    max: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """A model's mean minus the full model's, with a 95 % confidence interval and a two-sided p-value."""

    difference: float
    low: float
    high: float
    p_value: float
    samples: int


def spread(values: Sequence[float]) -> Spread:
    """Mean, standard deviation and range of ``values``, of which there must be at least one."""
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Spread(statistics.fmean(values), sd, min(values), max(values), tuple(values))


def paired_bootstrap(
    full: Sequence[Values],
    other: Sequence[Values],
    *,
    same_samples: bool = False,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Difference:
    """The mean difference of ``other`` from ``full``, arrays [n] per seed with the samples in the same order.

    Seeds are resampled with replacement, then samples within each (Efron and Tibshirani 1993). If all seeds
    were tested on the same samples, one resample of them is used for all seeds (Owen 2007): samples that are
    hard for one model are hard for similar ones, so independent resamples would overestimate the evidence.
    With one seed, the interval does not cover the variation between seeds. The p-value counts resamples on
    the other side of 0.
    """
    differences = [b - a for a, b in zip(full, other, strict=True)]
    mean = float(np.mean([values.mean() for values in differences]))
    rng = np.random.default_rng(seed)
    means = np.array([_resampled(differences, rng, same_samples) for _ in range(resamples)])
    low, high = np.quantile(means, [0.025, 0.975])
    smaller = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    p_value = min(1.0, 2 * (smaller + 1) / (resamples + 1))
    samples = len(differences[0]) if same_samples else sum(map(len, differences))
    return Difference(mean, float(low), float(high), float(p_value), samples)


def _resampled(differences: Sequence[Values], rng: np.random.Generator, same_samples: bool) -> float:
    seeds = rng.integers(len(differences), size=len(differences))
    shared = _draw(len(differences[0]), rng) if same_samples else None
    drawn = [differences[seed] for seed in seeds]
    means = [values[_draw(len(values), rng) if shared is None else shared].mean() for values in drawn]
    return float(np.mean(means))


def _draw(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.integers(count, size=count)


__all__ = ["Difference", "Spread", "Values", "paired_bootstrap", "spread"]
