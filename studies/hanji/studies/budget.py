"""What a model may cost."""

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

    def binding(
        self, *, bytes: float | None = None, latency_ms: float | None = None, drop: float | None = None
    ) -> list[str]:
        """Each bound that these costs break, with how much is too much; a bound on what is None is broken."""
        found = [
            _broken("bytes", bytes, self.max_bytes, ",.0f"),
            _broken("ms", latency_ms, self.max_latency_ms, ".3g"),
            _broken("of the metric lost", drop, self.max_drop, ".4f"),
        ]
        return [line for line in found if line]

    def excess(
        self, *, bytes: float | None, latency_ms: float | None, drop: float | None, full_metric: float | None
    ) -> dict[str, float]:
        """How far these costs are beyond each bound, as a fraction of it; a drop as one of the full metric.

        Negative within a bound; a bound on what is None is left out.
        """
        found: dict[str, float] = {}
        if self.max_bytes and bytes is not None:
            found["bytes"] = bytes / self.max_bytes - 1.0
        if self.max_latency_ms and latency_ms is not None:
            found["latency_ms"] = latency_ms / self.max_latency_ms - 1.0
        if self.max_drop is not None and drop is not None:
            found["drop"] = (drop - self.max_drop) / max(abs(full_metric or 0.0), 1e-9)
        return found


def beyond(excess: Mapping[str, float]) -> float:
    """The largest of them, by which what does not fit is compared."""
    return max(excess.values(), default=0.0)


def _broken(what: str, value: float | None, bound: float | None, digits: str) -> str:
    if bound is None:
        return ""
    if value is None:
        return f"{what}: not measured, at most {bound:{digits}} allowed"
    if value <= bound:
        return ""
    return f"{value:{digits}} {what}, {value - bound:{digits}} more than {bound:{digits}}"


__all__ = ["Budget", "beyond"]
