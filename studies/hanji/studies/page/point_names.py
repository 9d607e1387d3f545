"""Names beside the points of a chart: where there is no room for one, the row's number."""

from __future__ import annotations

from itertools import pairwise

from hanji.studies.page.labels import Box, Name, Place, Sheet, along
from hanji.studies.page.layout import Layout, Point
from hanji.studies.page.markup import Html, element
from hanji.studies.page.words import metric, shortened

LONGEST, SHORT = 34, 18


def point_names(layout: Layout) -> list[Html]:
    """Names as text, with a line to the point where they stand away from it."""
    parts: list[Html] = []
    for point, name, place in _placed(layout):
        parts += _written(name, place, "name" if point.on_front or point.is_full else "name pale")
    return parts


def numbers_stand_in(layout: Layout) -> bool:
    """Whether there was no room for some name, so that the row's number stands there."""
    return any(name.text == _number(layout, point) for point, name, _ in _placed(layout))


def _placed(layout: Layout) -> list[tuple[Point, Name, Place]]:
    """Names of the front come first; who finds no room tries with a shorter name, then with a number."""
    left = sorted(layout.scatter.points, key=lambda point: not (point.on_front or point.is_full))
    sheet, found = _sheet(layout), []
    for text_of in (_name, _short_name, _number):
        names = [Name(*layout.at(point), text_of(layout, point), _reach(layout, point)) for point in left]
        taken = list(zip(left, names, sheet.places(names), strict=True))
        found += [(point, name, place) for point, name, place in taken if place is not None]
        left = [point for point, _, place in taken if place is None]
    return found


def _name(layout: Layout, point: Point, longest: int = LONGEST) -> str:
    if layout.canvas.numbers:
        return _number(layout, point)
    below = f" ↓ {metric(point.metric)}" if layout.is_below(point) else ""
    return shortened(point.name, longest) + below


def _short_name(layout: Layout, point: Point) -> str:
    return _name(layout, point, SHORT)


def _number(layout: Layout, point: Point) -> str:
    return str(point.number) if layout.canvas.numbers else f"#{point.number}"


def _reach(layout: Layout, point: Point) -> float:
    """How far the mark of a point reaches, with its ring."""
    return layout.canvas.radius + (4.0 if point.wins else 1.5)


def _sheet(layout: Layout) -> Sheet:
    """Marks may not be covered; the front, error bars and bounds had better not be."""
    bounds = Box(layout.canvas.left + 2, layout.top - 2, layout.canvas.width - 2, layout.bottom - 2)
    marks = [Box.around(*layout.at(point), _reach(layout, point)) for point in layout.scatter.points]
    limits = [layout.costs.at(cost) for cost, _ in layout.shown_limits]
    faint = [Box(x - 1, layout.top, x + 1, layout.bottom) for x in limits]
    for (x1, y1), (x2, y2) in pairwise(layout.front()):
        faint += [*along(x1, y1, x2, y1), *along(x2, y1, x2, y2)]
    for point in layout.scatter.points:
        ends = layout.spread(point)
        if ends is not None:
            x, _ = layout.at(point)
            faint += along(x, ends[0], x, ends[1])
    return Sheet(bounds, layout.canvas.font, marks, faint)


def _written(name: Name, place: Place, kind: str) -> list[Html]:
    text = element("text", name.text, x=place.x, y=place.y, class_=kind, text_anchor=place.anchor)
    if place.leader is None:
        return [text]
    x, y = place.leader
    return [element("line", x1=name.x, y1=name.y, x2=x, y2=y, class_="leader"), text]


__all__ = ["LONGEST", "SHORT", "numbers_stand_in", "point_names"]
