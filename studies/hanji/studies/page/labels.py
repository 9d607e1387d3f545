"""Placement of the labels of points, so that they overlap neither points nor each other.

Greedy: each label takes the cheapest free position around its point, the most important labels first. Optimal
placement is NP-hard (Formann and Wagner 1991), and charts have few points.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_NARROW, _WIDE, _SIGNS = frozenset("iljtfr.,:;·'|!()[] I"), frozenset("mwMW%@&—…"), frozenset("<>=+~^#×±−→↓")
_DISTANCES = (3.0, 11.0, 22.0, 36.0, 52.0, 72.0)
_SIDES = (
    (1.0, 0.0), (0.0, -1.0), (0.7, -0.7), (-1.0, 0.0), (-0.7, -0.7), (0.7, 0.7), (0.0, 1.0), (-0.7, 0.7),
)  # fmt: skip
_TOUCH = 6.0  # pixels: a label further from the mark than this is connected to it by a line
_MARGIN = 2.0  # pixels on both sides of a label
_CROSSED = 14.0  # cost of a line behind a label, in pixels of distance


@dataclass(frozen=True)
class Box:
    """A rectangle, in pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, x: float, y: float, reach: float) -> Box:
        return cls(x - reach, y - reach, x + reach, y + reach)

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def holds(self, other: Box) -> bool:
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


@dataclass(frozen=True)
class Name:
    """The label of the point at (x, y), whose mark has the radius ``reach``."""

    x: float
    y: float
    text: str
    reach: float


@dataclass(frozen=True)
class Place:
    """The position of a label: its text starts, ends or is centred at (x, y), on its baseline.

    ``leader`` is the end of the line to the point; None if the label touches it.
    """

    x: float
    y: float
    anchor: str
    box: Box
    leader: tuple[float, float] | None


@dataclass
class Sheet:
    """The contents of a chart so far: ``solid`` boxes must not be covered, ``faint`` ones should not be."""

    bounds: Box
    font: float
    solid: list[Box]
    faint: list[Box]

    def places(self, names: Sequence[Name]) -> list[Place | None]:
        """The place of each name, assigned in this order; None if there is no room."""
        return [self._take(name) for name in names]

    def _take(self, name: Name) -> Place | None:
        own = Box.around(name.x, name.y, 1.0)
        cost, best = min(
            ((self._cost(place, distance, own), place) for distance, place in self._around(name)),
            key=lambda pair: pair[0],
        )
        if math.isinf(cost):
            return None
        self.solid.append(best.box)
        self.faint.extend(_leader(own, best))
        return best

    def _around(self, name: Name) -> Iterator[tuple[float, Place]]:
        width, height = text_width(name.text, self.font), self.font * 1.15
        for gap in _DISTANCES:
            distance = name.reach + gap
            for index, (across, down) in enumerate(_SIDES):
                x, middle = name.x + across * distance, name.y + down * (distance + height * 0.35)
                anchor = "start" if across > 0 else "end" if across < 0 else "middle"
                left = x - {"start": 0.0, "end": width, "middle": width / 2}[anchor]
                box = Box(left - _MARGIN, middle - height / 2, left + width + _MARGIN, middle + height / 2)
                far = gap > _TOUCH
                leader = (x - across * 2, middle - down * height * 0.5) if far else None
                yield gap + index * 0.6, Place(x, middle + self.font * 0.34, anchor, box, leader)

    def _cost(self, place: Place, distance: float, own: Box) -> float:
        """Infinite if the label would cover something, or its line would cross another point or label."""
        if not self.bounds.holds(place.box) or any(place.box.meets(box) for box in self.solid):
            return math.inf
        others = [box for box in self.solid if not box.holds(own)]
        if any(step.meets(box) for step in _leader(own, place) for box in others):
            return math.inf
        return distance + _CROSSED * sum(place.box.meets(box) for box in self.faint)


def along(x1: float, y1: float, x2: float, y2: float) -> list[Box]:
    """A line as a sequence of small boxes."""
    steps = max(2, int(max(abs(x2 - x1), abs(y2 - y1)) / 12) + 1)
    fractions = [step / (steps - 1) for step in range(steps)]
    return [Box.around(x1 + (x2 - x1) * part, y1 + (y2 - y1) * part, 2.0) for part in fractions]


def text_width(text: str, font: float) -> float:
    """The approximate width in DejaVu Sans, the widest common system font, without font metrics."""
    return font * sum(_em(character) for character in text)


def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.02
    if character in _NARROW:
        return 0.36
    if character in _WIDE:
        return 0.97
    if character in _SIGNS:
        return 0.84
    return 0.74 if character.isupper() else 0.62


def _leader(own: Box, place: Place) -> list[Box]:
    if place.leader is None:
        return []
    return along((own.left + own.right) / 2, (own.top + own.bottom) / 2, *place.leader)


__all__ = ["Box", "Name", "Place", "Sheet", "along", "text_width"]
