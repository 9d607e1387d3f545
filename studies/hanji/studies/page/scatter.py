"""Draws a scatter chart with a logarithmic cost axis and the Pareto front as an SVG."""

from __future__ import annotations

from hanji.studies.page.labels import text_width
from hanji.studies.page.layout import Canvas, Layout, Point, Scatter
from hanji.studies.page.point_names import point_names
from hanji.studies.page.words import metric, shortened
from hanji.training.markup import Html, element
from hanji.training.markup import number as digits


def drawn(scatter: Scatter, canvas: Canvas) -> Html:
    """The chart at one size."""
    layout = Layout(scatter, canvas)
    title, description = f"{scatter.key}-{canvas.name}-title", f"{scatter.key}-{canvas.name}-text"
    return element(
        "svg",
        element("title", scatter.title, id=title),
        element("desc", scatter.description, id=description),
        *_grid(layout),
        *_limits(layout),
        *(_error_bar(layout, point) for point in layout.drawing_order),
        _front(layout),
        *(_mark(layout, point) for point in layout.drawing_order),
        *point_names(layout),
        viewBox=f"0 0 {digits(canvas.width)} {digits(canvas.height)}",
        role="img",
        aria_labelledby=title,
        aria_describedby=description,
        class_=f"chart {canvas.name}",
    )


def diamond(x: float, y: float, reach: float) -> Html:
    """The mark of the full model."""
    return _polygon([(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)])


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def label(x: float, y: float, content: str, kind: str, anchor: str) -> Html:
    return element("text", content, x=x, y=y, class_=kind, text_anchor=anchor)


def _grid(layout: Layout) -> list[Html]:
    canvas, font = layout.canvas, layout.canvas.font
    parts = [line(canvas.left, layout.bottom, layout.right, layout.bottom, "axis")]
    places = _places(layout.metrics.ticks)
    for tick in layout.metrics.ticks:
        y = layout.metrics.at(tick)
        value = f"{layout.sign * tick:.{places}f}"
        parts.append(line(canvas.left, y, layout.right, y, "grid"))
        parts.append(label(canvas.left - 8, y + font * 0.34, value, "tick", "end"))
    for tick in layout.costs.ticks:
        x = layout.costs.at(tick)
        parts.append(line(x, layout.bottom, x, layout.bottom + 5, "axis"))
        parts.append(label(x, layout.bottom + 8 + font, layout.scatter.cost_text(tick), "tick", "middle"))
    if layout.metrics.start < layout.bottom:
        parts.append(line(canvas.left, layout.metrics.start, layout.right, layout.metrics.start, "below"))
    metric_label = f"{layout.scatter.metric_label} (up is better)"
    return [
        *parts,
        label(2, font + 1, metric_label, "label", "start"),
        label(layout.right, canvas.height - 6, layout.scatter.cost_label, "label", "end"),
    ]


def _places(ticks: tuple[float, ...]) -> int:
    """The number of decimal places of the finest tick."""
    return max((len(f"{tick:.6f}".rstrip("0").partition(".")[2]) for tick in ticks), default=0)


def _limits(layout: Layout) -> list[Html]:
    """Lines of limits with their names above, in two rows if they would overlap; a third one has no name."""
    font, parts = layout.canvas.font * 0.88, list[Html]()
    ends = [0.0, 0.0]
    for cost, name in layout.shown_limits:
        x, text = layout.costs.at(cost), shortened(name, 16 if layout.canvas.numbers else 28)
        width = text_width(text, font)
        left = min(max(x - width / 2, 2), layout.canvas.width - width - 2)
        row = next((row for row in (0, 1) if left >= ends[row] + 8), None)
        reach = 0.0 if row is None else row * font * 1.3
        parts.append(
            element("g", element("title", name), line(x, layout.top - 5 - reach, x, layout.bottom, "limit"))
        )
        if row is not None:
            ends[row] = left + width
            parts.append(label(left, layout.top - 9 - reach, text, "limit-name", "start"))
    return parts


def _front(layout: Layout) -> Html:
    """A step function: between two points of the front, the cheaper one is the best that is known."""
    path = "".join(
        f"{'M' if index == 0 else 'H'}{digits(x)}{' ' if index == 0 else 'V'}{digits(y)}"
        for index, (x, y) in enumerate(layout.front())
    )
    return element("path", d=path, class_="front")


def _error_bar(layout: Layout, point: Point) -> Html | None:
    ends = layout.spread(point)
    if ends is None:
        return None
    x, _ = layout.at(point)
    caps = "".join(f"M{digits(x - 3)} {digits(y)}h6" for y in ends)
    return element("path", d=f"M{digits(x)} {digits(ends[0])}V{digits(ends[1])}{caps}", class_="spread")


def _mark(layout: Layout, point: Point) -> Html:
    x, y = layout.at(point)
    reach = layout.canvas.radius
    ring = element("circle", cx=x, cy=y, r=reach + 4, class_="ring") if point.wins else None
    tooltip = f"{point.name}: {layout.scatter.cost_text(point.cost)}, {metric(point.metric)}"
    if layout.is_below(point):
        shape = _polygon([(x - reach, y - reach * 0.8), (x + reach, y - reach * 0.8), (x, y + reach)])
    elif point.is_full:
        shape = diamond(x, y, reach * 1.35)
    else:
        shape = element("circle", cx=x, cy=y, r=reach, class_="mark")
    kind = ("on-front" if point.on_front else "beaten") + (" full" if point.is_full else "")
    return element("g", element("title", tooltip), ring, shape, class_=kind)


def _polygon(corners: list[tuple[float, float]]) -> Html:
    points = " ".join(f"{digits(x)},{digits(y)}" for x, y in corners)
    return element("polygon", points=points, class_="mark")


__all__ = ["diamond", "drawn", "label", "line"]
