"""Where the names of points are written so that they cover neither a point nor each other.

Greedy: each name takes the cheapest of the places around its point that is still free; those of most interest
come first. Finding the best for all at once is NP-hard (Formann and Wagner 1991), and charts hold few points.
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
_TOUCH = 6.0  # pixels: a name further from the mark than this is tied to it by a line
_AIR = 2.0  # pixels beside a name
_CROSSED = 14.0  # what a line below a name costs, in pixels of distance


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
    """What is to be written beside the point at (x, y), whose mark reaches so far around."""

    x: float
    y: float
    text: str
    reach: float


@dataclass(frozen=True)
class Place:
    """Where a name goes: its text begins, ends or has its middle at (x, y), the line it stands on.

    ``leader`` is the end of the line to the point, None where the name touches it.
    """

    x: float
    y: float
    anchor: str
    box: Box
    leader: tuple[float, float] | None


@dataclass
class Sheet:
    """What is on a chart so far: ``solid`` may not be covered, ``faint`` had better not be."""

    bounds: Box
    font: float
    solid: list[Box]
    faint: list[Box]

    def places(self, names: Sequence[Name]) -> list[Place | None]:
        """For each name its place, taken in this order; None where there is no room."""
        return [self._take(name) for name in names]

    def _take(self, name: Name) -> Place | None:
        own = Box.around(name.x, name.y, 1.0)
        cost, best = min(
            ((self._cost(place, distance, own), place) for distance, place in self._around(name)),
            key=lambda found: found[0],
        )
        if math.isinf(cost):
            return None
        self.solid.append(best.box)
        self.faint.extend(_leader(own, best))
        return best

    def _around(self, name: Name) -> Iterator[tuple[float, Place]]:
        width, height = text_width(name.text, self.font), self.font * 1.15
        for beyond in _DISTANCES:
            distance = name.reach + beyond
            for index, (across, down) in enumerate(_SIDES):
                x, middle = name.x + across * distance, name.y + down * (distance + height * 0.35)
                anchor = "start" if across > 0 else "end" if across < 0 else "middle"
                left = x - {"start": 0.0, "end": width, "middle": width / 2}[anchor]
                box = Box(left - _AIR, middle - height / 2, left + width + _AIR, middle + height / 2)
                far = beyond > _TOUCH
                leader = (x - across * 2, middle - down * height * 0.5) if far else None
                yield beyond + index * 0.6, Place(x, middle + self.font * 0.34, anchor, box, leader)

    def _cost(self, place: Place, distance: float, own: Box) -> float:
        """Infinite where the name would cover something, or its line run over another point or name."""
        if not self.bounds.holds(place.box) or any(place.box.meets(box) for box in self.solid):
            return math.inf
        others = [box for box in self.solid if not box.holds(own)]
        if any(step.meets(box) for step in _leader(own, place) for box in others):
            return math.inf
        return distance + _CROSSED * sum(place.box.meets(box) for box in self.faint)


def along(x1: float, y1: float, x2: float, y2: float) -> list[Box]:
    """A line as small boxes, to be kept clear of."""
    steps = max(2, int(max(abs(x2 - x1), abs(y2 - y1)) / 12) + 1)
    shares = [step / (steps - 1) for step in range(steps)]
    return [Box.around(x1 + (x2 - x1) * share, y1 + (y2 - y1) * share, 2.0) for share in shares]


def text_width(text: str, font: float) -> float:
    """About as wide as DejaVu Sans, the widest of the systems' sans-serifs; no font is at hand to measure."""
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
