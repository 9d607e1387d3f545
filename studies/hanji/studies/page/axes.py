"""Axes of a chart: where a value lies, and which values are written beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """Maps `low` … `high` to the pixels `start` … `end`, evenly or, if ``logarithmic``, by ratio."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """The pixel of a value; outside of the axis, its nearer end."""
        share = (self._even(value) - self._even(self.low)) / (self._even(self.high) - self._even(self.low))
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)

    def _even(self, value: float) -> float:
        return math.log10(max(value, self.low)) if self.logarithmic else value


def logarithmic_axis(values: Sequence[float], start: float, end: float, most_ticks: int = 8) -> Axis:
    """For positive values, with some air at both ends. Ticks are 1, 2, 5 × powers of ten, or near."""
    low, high = min(values), max(values)
    air = max((high / low) ** 0.06, 1.08)
    low, high = low / air, high * air
    for steps in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        ticks = _log_ticks(low, high, steps)
        if len(ticks) <= most_ticks:
            break
    ticks = ticks[:: math.ceil(len(ticks) / most_ticks) or 1]
    if len(ticks) < 3:
        ticks = _even_ticks(low, high, min(most_ticks, 5))
    return Axis(low, high, start, end, tuple(ticks), logarithmic=True)


def even_axis(low: float, high: float, start: float, end: float, most_ticks: int = 6) -> Axis:
    """From `low` to `high`, with a little air; ticks are round numbers."""
    air = max((high - low) * 0.07, abs(high) * 1e-4, 1e-6)
    low, high = low - air, high + air
    return Axis(low, high, start, end, tuple(_even_ticks(low, high, most_ticks)))


def floor_of(values: Sequence[float]) -> float:
    """The least value that an axis should reach to, so that a few far below do not flatten all others.

    Where a gap between neighbours is wider than all that lies above it, and at most a third of the values lie
    below, the axis begins above the gap; above the lowest such gap if there are several.
    """
    ordered = sorted(values, reverse=True)
    for index in range(len(ordered) - 1, 2, -1):
        gap, above = ordered[index - 1] - ordered[index], ordered[0] - ordered[index - 1]
        if above > 0 and gap > above and len(ordered) - index <= len(ordered) / 3:
            return ordered[index - 1]
    return ordered[-1]


def _log_ticks(low: float, high: float, steps: Sequence[float]) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = (_exact(step, power) for power in powers for step in steps)
    return [tick for tick in found if low <= tick <= high]


def _even_ticks(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / most
    power = math.floor(math.log10(rough))
    step = next(found for times in (1, 2, 5, 10) if (found := _exact(times, power)) >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [_rounded(index * step) for index in range(first, last + 1)]


def _exact(step: float, power: int) -> float:
    return step * 10.0**power if power >= 0 else step / 10.0**-power


def _rounded(value: float) -> float:
    return float(f"{value:.10g}")


__all__ = ["Axis", "even_axis", "floor_of", "logarithmic_axis"]
