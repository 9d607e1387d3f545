"""A recipe of a search space with its measurements so far, and its status under a budget."""

from __future__ import annotations

from dataclasses import dataclass

from hanji.studies.budget import Budget
from hanji.studies.search.evaluator import Built, Shape
from hanji.studies.search.space import Point

SIZE_MARGIN, SIZE_MARGIN_BYTES = 0.02, 512
"""By how much an untrained file may exceed the size limit for its recipe to be trained: a fraction of the
limit, plus bytes. With float weights, trained and untrained files have the same size; int8-qat, which is
measured as int8, stores its ranges in a few more tensors (up to 192 bytes were observed)."""

LATENCY_MARGIN = 0.25
"""By how much its engine's latency may exceed the limit, as a fraction, because of load on the machine."""


@dataclass(frozen=True)
class Candidate:
    """A recipe and its measurements so far."""

    point: Point
    shape: Shape | None = None
    untrained_bytes: int | None = None
    untrained_ms: float | None = None
    built: Built | None = None
    drop: float | None = None
    """Drop of the validation metric below the full model's."""

    reason: str = ""
    """Why it was left out, failed or is over a limit; empty for one that is open or fits."""

    failed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it has not been evaluated or left out yet."""
        return self.built is None and not self.reason

    @property
    def fits(self) -> bool:
        """Whether it was measured and is within all limits."""
        return self.built is not None and not self.reason

    @property
    def status(self) -> str:
        """The status in search.json: failed, over, fits, left out or not tried."""
        if self.failed:
            return "failed"
        if self.built is not None:
            return "over" if self.reason else "fits"
        return "left out" if self.reason else "not tried"

    @property
    def bytes(self) -> int | None:
        """The most accurate size that is known: of its file, of its untrained file, or of its weights."""
        if self.built is not None:
            return self.built.bytes
        if self.untrained_bytes is not None:
            return self.untrained_bytes
        return None if self.shape is None else self.shape.min_bytes

    @property
    def latency_ms(self) -> float | None:
        """The latency of `recommend` or `classify`, or of its untrained model in the engine alone."""
        return self.untrained_ms if self.built is None else self.built.latency_ms

    def excess(self, budget: Budget, full_metric: float | None) -> dict[str, float]:
        """By how much it exceeds each limit; see ``Budget.excess``."""
        return budget.excess(
            bytes=self.bytes, latency_ms=self.latency_ms, drop=self.drop, full_metric=full_metric
        )


def may_fit(untrained_bytes: int, limit: int) -> bool:
    """Whether the trained file may be within ``limit`` bytes, given the size of the untrained one."""
    return untrained_bytes <= limit * (1.0 + SIZE_MARGIN) + SIZE_MARGIN_BYTES


__all__ = ["LATENCY_MARGIN", "SIZE_MARGIN", "SIZE_MARGIN_BYTES", "Candidate", "may_fit"]
