"""Limits on the costs of a compressed model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Unit

from hanji.training.settings import check_ranges


@dataclass(frozen=True)
class Budget:
    """Bounds on the device file, the latency and the loss of quality, at least one of them."""

    name: str
    """Name of the budget in the results."""

    max_bytes: Annotated[int, Ge(0), Unit("bytes")] | None = None
    """Size of the file in the study's first format."""

    max_latency_ms: Annotated[float, Ge(0.0), Unit("ms")] | None = None
    """Median latency of ``recommend`` or ``classify`` in that format's engine, with one thread."""

    max_drop: Annotated[float, Ge(0.0)] | None = None
    """Drop of the metric below that of the full model, in the metric's own unit."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.max_bytes is None and self.max_latency_ms is None and self.max_drop is None:
            raise ValueError("expected one of max_bytes, max_latency_ms and max_drop, found none")

    def violations(
        self, *, bytes: float | None = None, latency_ms: float | None = None, drop: float | None = None
    ) -> list[str]:
        """Each limit that these costs exceed, and by how much; None exceeds every limit."""
        found = [
            _violation("size", "bytes", bytes, self.max_bytes, ",.0f"),
            _violation("latency", "ms", latency_ms, self.max_latency_ms, ".3g"),
            _violation("metric drop", "", drop, self.max_drop, ".4f"),
        ]
        return [line for line in found if line]

    def excess(
        self, *, bytes: float | None, latency_ms: float | None, drop: float | None, full_metric: float | None
    ) -> dict[str, float]:
        """By how much these costs exceed each limit, relative to it; a drop relative to the full metric.

        Negative within a limit; costs that are None are omitted.
        """
        excess: dict[str, float] = {}
        if self.max_bytes and bytes is not None:
            excess["bytes"] = bytes / self.max_bytes - 1.0
        if self.max_latency_ms and latency_ms is not None:
            excess["latency_ms"] = latency_ms / self.max_latency_ms - 1.0
        if self.max_drop is not None and drop is not None:
            excess["drop"] = (drop - self.max_drop) / max(abs(full_metric or 0.0), 1e-9)
        return excess


def largest_excess(excess: Mapping[str, float]) -> float:
    """The largest relative excess, by which recipes outside a budget are ranked."""
    return max(excess.values(), default=0.0)


def _violation(cost: str, unit: str, value: float | None, limit: float | None, digits: str) -> str:
    if limit is None:
        return ""
    if value is None:
        return f"{cost} not measured, limit {limit:{digits}} {unit}".rstrip()
    if value <= limit:
        return ""
    amount = f"{value:{digits}} {unit}".rstrip()
    return f"{cost} {amount}, {value - limit:{digits}} above the limit of {limit:{digits}}"


__all__ = ["Budget", "largest_excess"]
