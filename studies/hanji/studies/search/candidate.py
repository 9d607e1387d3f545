"""What is known of one recipe of a space, and what a budget makes of it."""

from __future__ import annotations

from dataclasses import dataclass

from hanji.studies.budget import Budget
from hanji.studies.search.evaluator import Built, Shape
from hanji.studies.search.space import Point

SIZE_MARGIN, SIZE_MARGIN_BYTES = 0.02, 512
"""An untrained file may be so much larger than the bound and its recipe is still tried: a fraction of the
bound, and bytes. Files of float weights have their untrained twins' sizes to the byte; int8-qat, whose shape
is int8, has its ranges in a few tensors more (up to 192 bytes were seen)."""

LATENCY_MARGIN = 0.25
"""The same of its engine's call; a busy machine makes more of a difference than weights do."""


@dataclass(frozen=True)
class Candidate:
    """A recipe, and as much of what is asked about it as was asked."""

    point: Point
    shape: Shape | None = None
    untrained_bytes: int | None = None
    untrained_ms: float | None = None
    built: Built | None = None
    drop: float | None = None
    """Of the validation metric, under the full model's."""

    reason: str = ""
    """Why it was left out, failed or does not fit; empty for one that is open or fits."""

    failed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nothing has been decided about it."""
        return self.built is None and not self.reason

    @property
    def fits(self) -> bool:
        """Whether it was measured and keeps every bound."""
        return self.built is not None and not self.reason

    @property
    def status(self) -> str:
        """In one or two words."""
        if self.failed:
            return "failed"
        if self.built is not None:
            return "over" if self.reason else "fits"
        return "left out" if self.reason else "not tried"

    @property
    def bytes(self) -> int | None:
        """The best that is known of its size: of its file, of its untrained file, of its weights."""
        if self.built is not None:
            return self.built.bytes
        if self.untrained_bytes is not None:
            return self.untrained_bytes
        return None if self.shape is None else self.shape.least_bytes

    @property
    def latency_ms(self) -> float | None:
        """As `recommend` or `classify` was measured, or its untrained engine's call alone."""
        return self.untrained_ms if self.built is None else self.built.latency_ms

    def excess(self, budget: Budget, full_metric: float | None) -> dict[str, float]:
        """How far beyond each bound it is; see ``Budget.excess``."""
        return budget.excess(
            bytes=self.bytes, latency_ms=self.latency_ms, drop=self.drop, full_metric=full_metric
        )


def may_fit(untrained_bytes: int, most: int) -> bool:
    """Whether a trained file can have ``most`` bytes if its untrained shape has these."""
    return untrained_bytes <= most * (1.0 + SIZE_MARGIN) + SIZE_MARGIN_BYTES


__all__ = ["LATENCY_MARGIN", "SIZE_MARGIN", "SIZE_MARGIN_BYTES", "Candidate", "may_fit"]
