"""Axes of a chart: the position of values, and the ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """Maps `low` … `high` to the pixels `start` … `end`, linearly or, if ``logarithmic``, by ratio."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """The pixel of a value; values outside the axis are clamped to its ends."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        fraction = (self._scaled(value) - low) / (high - low)
        return self.start + (self.end - self.start) * min(max(fraction, 0.0), 1.0)

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, self.low)) if self.logarithmic else value


def logarithmic_axis(values: Sequence[float], start: float, end: float, max_ticks: int = 8) -> Axis:
    """An axis for positive values, with margins. Ticks are 1, 2, 5 × powers of ten if possible."""
    low, high = min(values), max(values)
    margin = max((high / low) ** 0.06, 1.08)
    low, high = low / margin, high * margin
    for steps in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        ticks = _log_ticks(low, high, steps)
        if len(ticks) <= max_ticks:
            break
    ticks = ticks[:: math.ceil(len(ticks) / max_ticks) or 1]
    if len(ticks) < 3:
        ticks = _linear_ticks(low, high, min(max_ticks, 5))
    return Axis(low, high, start, end, tuple(ticks), logarithmic=True)


def linear_axis(low: float, high: float, start: float, end: float, max_ticks: int = 6) -> Axis:
    """An axis from `low` to `high`, with margins; ticks are round numbers."""
    margin = max((high - low) * 0.07, abs(high) * 1e-4, 1e-6)
    low, high = low - margin, high + margin
    return Axis(low, high, start, end, tuple(_linear_ticks(low, high, max_ticks)))


def floor_of(values: Sequence[float]) -> float:
    """The lower end for an axis, so that a few outliers far below do not compress all other values.

    If a gap between neighbours is wider than the range of all values above it, and at most a third of the
    values are below, the axis starts above the gap; above the lowest such gap if there are several.
    """
    ordered = sorted(values, reverse=True)
    for index in range(len(ordered) - 1, 2, -1):
        gap, above = ordered[index - 1] - ordered[index], ordered[0] - ordered[index - 1]
        if above > 0 and gap > above and len(ordered) - index <= len(ordered) / 3:
            return ordered[index - 1]
    return ordered[-1]


def _log_ticks(low: float, high: float, steps: Sequence[float]) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = (_exact(step, power) for power in powers for step in steps)
    return [tick for tick in ticks if low <= tick <= high]


def _linear_ticks(low: float, high: float, count: int) -> list[float]:
    min_step = (high - low) / count
    power = math.floor(math.log10(min_step))
    step = next(step for factor in (1, 2, 5, 10) if (step := _exact(factor, power)) >= min_step)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [_rounded(index * step) for index in range(first, last + 1)]


def _exact(step: float, power: int) -> float:
    return step * 10.0**power if power >= 0 else step / 10.0**-power


def _rounded(value: float) -> float:
    return float(f"{value:.10g}")


__all__ = ["Axis", "floor_of", "linear_axis", "logarithmic_axis"]
