"""The content of a chart, its two sizes, and the positions of its points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from hanji.studies.page.axes import Axis, floor_of, linear_axis, logarithmic_axis


@dataclass(frozen=True)
class Point:
    """The point of a row. ``sd`` is half the length of the error bar, None for none."""

    number: int
    name: str
    cost: float
    metric: float
    sd: float | None
    on_front: bool
    is_full: bool
    wins: bool


@dataclass(frozen=True)
class Scatter:
    """The content of a chart. ``limits`` are those of budgets: (cost, name of the budget)."""

    key: str
    title: str
    description: str
    cost_label: str
    metric_label: str
    cost_text: Callable[[float], str]
    higher_is_better: bool
    points: tuple[Point, ...]
    limits: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Canvas:
    """The size of a chart, in pixels. ``numbers``: points are labelled by number, for lack of room."""

    name: str
    width: float
    height: float
    left: float
    right: float
    bottom: float
    font: float
    radius: float
    numbers: bool
    cost_ticks: int
    metric_ticks: int


WIDE = Canvas("wide", 960, 500, 72, 24, 58, 14, 6, False, 9, 7)
NARROW = Canvas("narrow", 360, 400, 54, 14, 52, 12.5, 5, True, 5, 6)

_STRIP = 3.4  # height of the strip for outliers, in multiples of the font size


@dataclass(frozen=True)
class Layout:
    """The pixel positions of a chart on a canvas. Better is always up."""

    scatter: Scatter
    canvas: Canvas

    @property
    def right(self) -> float:
        return self.canvas.width - self.canvas.right

    @property
    def bottom(self) -> float:
        return self.canvas.height - self.canvas.bottom

    @property
    def top(self) -> float:
        """Above are the metric's name and, if there are limits, two lines with their names."""
        return self.canvas.font * (4.6 if self.shown_limits else 2.4)

    @property
    def sign(self) -> float:
        return 1.0 if self.scatter.higher_is_better else -1.0

    @cached_property
    def costs(self) -> Axis:
        """The axis of the cost, including limits near the points."""
        points = [point.cost for point in self.scatter.points]
        values = points + [cost for cost, _ in self.shown_limits]
        return logarithmic_axis(values, self.canvas.left, self.right, max_ticks=self.canvas.cost_ticks)

    @cached_property
    def metrics(self) -> Axis:
        """The axis of the metric, or of its negative if lower is better."""
        floor = floor_of([self.sign * point.metric for point in self.scatter.points])
        inside = [point for point in self.scatter.points if self.sign * point.metric >= floor]
        ends = [self.sign * point.metric + side * (point.sd or 0) for point in inside for side in (-1, 1)]
        strip = 0.0 if len(inside) == len(self.scatter.points) else _STRIP * self.canvas.font
        ticks = self.canvas.metric_ticks
        return linear_axis(min(ends), max(ends), self.bottom - strip, self.top, max_ticks=ticks)

    @property
    def shown_limits(self) -> list[tuple[float, str]]:
        """The limits near the points, from left to right."""
        costs = [point.cost for point in self.scatter.points]
        return sorted(limit for limit in self.scatter.limits if min(costs) / 2 <= limit[0] <= max(costs) * 2)

    @property
    def drawing_order(self) -> list[Point]:
        """The points in drawing order: the most important ones are drawn last, on top."""
        return sorted(self.scatter.points, key=lambda point: (point.on_front, point.is_full))

    def at(self, point: Point) -> tuple[float, float]:
        """The pixel of a point; in a strip below the axis if its metric is an outlier."""
        x = self.costs.at(point.cost)
        if self.is_below(point):
            return x, self.bottom - _STRIP * self.canvas.font * 0.35
        return x, self.metrics.at(self.sign * point.metric)

    def is_below(self, point: Point) -> bool:
        """Whether the point is drawn in the strip instead of its actual position."""
        return self.sign * point.metric < self.metrics.low

    def spread(self, point: Point) -> tuple[float, float] | None:
        """The pixels of the ends of the error bar; None if there is none or it is too short."""
        if not point.sd or self.is_below(point):
            return None
        low, high = (self.metrics.at(self.sign * point.metric + side * point.sd) for side in (-1, 1))
        return (low, high) if low - high >= 2 else None

    def front(self) -> list[tuple[float, float]]:
        """The pixels of the points on the front, from left to right."""
        points = (point for point in self.scatter.points if point.on_front)
        return [self.at(point) for point in sorted(points, key=lambda point: point.cost)]


__all__ = ["NARROW", "WIDE", "Canvas", "Layout", "Point", "Scatter"]
