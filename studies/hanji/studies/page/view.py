"""What the page shows of a study: the values of study.json, what was not measured being None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """One number over seeds. ``sd`` is None where there was one seed only."""

    mean: float
    sd: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A row less the full model, paired, with its 95 % interval."""

    difference: float
    low: float
    high: float
    p_value: float | None
    samples: int | None


@dataclass(frozen=True)
class Size:
    """One format of a row."""

    bytes: Spread | None
    gzip_bytes: Spread | None
    metric: Spread | None


@dataclass(frozen=True)
class Latency:
    """Of one engine, in milliseconds."""

    p50_ms: float | None
    p90_ms: float | None
    engine_p50_ms: float | None


@dataclass(frozen=True)
class Slice:
    """The metric over some of the samples."""

    group: str
    name: str
    samples: int | None
    mean: float | None
    sd: float | None


@dataclass(frozen=True)
class Confusion:
    """``counts[i][j]`` pictures of class i were said to be of class j."""

    labels: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Layer:
    """What quantizing one layer alone adds."""

    name: str
    error: float | None
    weights: int | None


@dataclass(frozen=True)
class Run:
    """The bundle of one recipe and seed, by its hashes; empty where one is not known."""

    recipe: str
    seed: str
    manifest_sha256: str
    bundle_sha256: str


@dataclass(frozen=True)
class Row:
    """One recipe. ``number`` is its place in the study, from 1; it names the row where there is no room."""

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
    """parameters, non_zeros, macs, peak_bytes, cold_start_ms: those that were measured."""

    likeness: Mapping[str, float]
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
    """Bounds, the row that wins under them, or why none does."""

    name: str
    max_bytes: float | None
    max_latency_ms: float | None
    max_drop: float | None
    winner: str | None
    binds: str


@dataclass(frozen=True)
class StudyView:
    """All of a study that the page shows."""

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
    """The engine of the first format as ``latency`` names it, None where no latency was measured."""

    data: Mapping[str, Any]
    engines: Mapping[str, Any]
    versions: Mapping[str, Any]
    machine: Mapping[str, Any]
    labels: Mapping[str, str]
    """Of the metrics, by name."""

    left_out: tuple[str, ...]
    """Combinations of a grid that the task does not take, and why."""

    budgets: tuple[Budget, ...]
    rows: tuple[Row, ...]

    @property
    def full(self) -> Row | None:
        """The uncompressed model, None if it failed."""
        return next((row for row in self.done if row.is_full), None)

    @property
    def done(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.failed)

    def row(self, name: str | None) -> Row | None:
        """The row of that name, if it was measured."""
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
