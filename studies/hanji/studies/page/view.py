"""The content of the page: the values of study.json, with None for what was not measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """One number over seeds. ``sd`` is None for a single seed."""

    mean: float
    sd: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """The paired difference of a row from the full model, with its 95 % confidence interval."""

    difference: float
    low: float
    high: float
    p_value: float | None
    samples: int | None


@dataclass(frozen=True)
class Size:
    """The size and metric of one format of a row."""

    bytes: Spread | None
    gzip_bytes: Spread | None
    metric: Spread | None


@dataclass(frozen=True)
class Latency:
    """Latency in one engine, in milliseconds."""

    p50_ms: float | None
    p90_ms: float | None
    engine_p50_ms: float | None


@dataclass(frozen=True)
class Slice:
    """The metric of a subset of the samples."""

    group: str
    name: str
    samples: int | None
    mean: float | None
    sd: float | None


@dataclass(frozen=True)
class Confusion:
    """The confusion matrix: ``counts[i][j]`` images of class i were classified as class j."""

    labels: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Layer:
    """The error of quantizing one layer alone."""

    name: str
    error: float | None
    weights: int | None


@dataclass(frozen=True)
class Run:
    """The hashes of the bundle of one recipe and seed; empty if unknown."""

    recipe: str
    seed: str
    manifest_sha256: str
    bundle_sha256: str


@dataclass(frozen=True)
class Row:
    """One recipe. ``number`` is its 1-based index, the label if there is no room for its name."""

    number: int
    name: str
    is_full: bool
    failed: bool
    reason: str
    steps: tuple[dict[str, Any], ...]
    metrics: Mapping[str, Spread]
    against_full: Mapping[str, Difference]
    formats: Mapping[str, Size]
    latency: Mapping[str, Latency]
    counts: Mapping[str, float]
    """parameters, non_zeros, macs, peak_bytes and cold_start_ms, if measured."""

    agreement: Mapping[str, float]
    slices: tuple[Slice, ...]
    confusion: Confusion | None
    layers: tuple[Layer, ...]
    seconds: Mapping[str, float]
    runs: tuple[Run, ...]

    @property
    def anchor(self) -> str:
        return f"recipe-{self.number}"


@dataclass(frozen=True)
class Budget:
    """Limits, and the name of the best row within them, or the closest row's violations."""

    name: str
    max_bytes: float | None
    max_latency_ms: float | None
    max_drop: float | None
    winner: str | None
    violations: str


@dataclass(frozen=True)
class StudyView:
    """The content of the page."""

    name: str
    task: str
    command: str
    sha256: str
    when: str
    seconds: float | None
    seeds: tuple[str, ...]
    metric: str
    metric_label: str
    higher_is_better: bool
    first_format: str
    first_engine: str | None
    """The engine of the first format as named in ``latency``; None if no latency was measured."""

    data: Mapping[str, Any]
    engines: Mapping[str, Any]
    versions: Mapping[str, Any]
    machine: Mapping[str, Any]
    labels: Mapping[str, str]
    """Labels of the metrics, by name."""

    skipped: tuple[str, ...]
    """Errors of the invalid combinations of a grid."""

    budgets: tuple[Budget, ...]
    rows: tuple[Row, ...]

    @property
    def full(self) -> Row | None:
        """The row of the full model; None if it failed."""
        return next((row for row in self.done if row.is_full), None)

    @property
    def done(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.failed)

    def row(self, name: str | None) -> Row | None:
        """The row with that name, unless it failed."""
        return next((row for row in self.done if row.name == name), None)


__all__ = [
    "Budget",
    "Confusion",
    "Difference",
    "Latency",
    "Layer",
    "Row",
    "Run",
    "Size",
    "Slice",
    "Spread",
    "StudyView",
]
