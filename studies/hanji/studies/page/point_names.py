"""Labels of the points of a chart: their names, or the row's number if there is no room."""

from __future__ import annotations

from itertools import pairwise

from hanji.studies.page.labels import Box, Name, Place, Sheet, along
from hanji.studies.page.layout import Layout, Point
from hanji.studies.page.words import metric, shortened
from hanji.training.markup import Html, element

MAX_LENGTH, SHORT_LENGTH = 34, 18


def point_names(layout: Layout) -> list[Html]:
    """Labels as text, with a line to the point if they are not next to it."""
    parts: list[Html] = []
    for point, name, place in _placed(layout):
        parts += _drawn(name, place, "name" if point.on_front or point.is_full else "name pale")
    return parts


def has_number_labels(layout: Layout) -> bool:
    """Whether some point is labelled with its row number, for lack of room."""
    return any(name.text == _number(layout, point) for point, name, _ in _placed(layout))


def _placed(layout: Layout) -> list[tuple[Point, Name, Place]]:
    """The front's labels are placed first. Without room for a name, a short one is tried, then the number."""
    unplaced = sorted(layout.scatter.points, key=lambda point: not (point.on_front or point.is_full))
    sheet, placed = _sheet(layout), []
    for text_of in (_name, _short_name, _number):
        names = [Name(*layout.at(point), text_of(layout, point), _reach(layout, point)) for point in unplaced]
        places = list(zip(unplaced, names, sheet.places(names), strict=True))
        placed += [(point, name, place) for point, name, place in places if place is not None]
        unplaced = [point for point, _, place in places if place is None]
    return placed


def _name(layout: Layout, point: Point, max_length: int = MAX_LENGTH) -> str:
    if layout.canvas.numbers:
        return _number(layout, point)
    below = f" ↓ {metric(point.metric)}" if layout.is_below(point) else ""
    return shortened(point.name, max_length) + below


def _short_name(layout: Layout, point: Point) -> str:
    return _name(layout, point, SHORT_LENGTH)


def _number(layout: Layout, point: Point) -> str:
    return str(point.number) if layout.canvas.numbers else f"#{point.number}"


def _reach(layout: Layout, point: Point) -> float:
    """The radius of a point's mark, including its ring."""
    return layout.canvas.radius + (4.0 if point.wins else 1.5)


def _sheet(layout: Layout) -> Sheet:
    """Marks must not be covered; the front, error bars and limits should not be."""
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


def _drawn(name: Name, place: Place, kind: str) -> list[Html]:
    text = element("text", name.text, x=place.x, y=place.y, class_=kind, text_anchor=place.anchor)
    if place.leader is None:
        return [text]
    x, y = place.leader
    return [element("line", x1=name.x, y1=name.y, x2=x, y2=y, class_="leader"), text]


__all__ = ["MAX_LENGTH", "SHORT_LENGTH", "has_number_labels", "point_names"]
