"""The two Pareto charts: size × metric and latency × metric, each for wide and for narrow screens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hanji.studies.page.front import bytes_of, front_rows, latency_of, measured_rows
from hanji.studies.page.layout import NARROW, WIDE, Layout, Point, Scatter
from hanji.studies.page.markup import Html, element, joined
from hanji.studies.page.point_names import numbers_stand_in
from hanji.studies.page.scatter import diamond, drawn
from hanji.studies.page.view import Row, StudyView
from hanji.studies.page.words import ENGINES, FORMATS, listed, metric, milliseconds, plural, size

Cost = Callable[[StudyView, Row], float | None]


def charts(view: StudyView) -> Html:
    """The section of both charts."""
    scatters = {"size": size_scatter(view), "latency": latency_scatter(view)}
    lead = (
        "A recipe is on the line if no other is as cheap and better. Which of those is right depends on what "
        "your device can spare."
    )
    return element(
        "section",
        element("h2", "What nothing beats", id="fronts"),
        element("p", lead, class_="lead") if any(scatters.values()) else None,
        *(_figure(view, scatter, missing) for missing, scatter in scatters.items()),
        aria_labelledby="fronts",
    )


def size_scatter(view: StudyView) -> Scatter | None:
    """None where fewer than two rows were measured."""
    format_name = FORMATS.get(view.first_format, view.first_format)
    return _scatter(
        view,
        key="size",
        title=f"Size and {view.metric_label}",
        cost_label=f"size of the {format_name} file",
        cost_of=bytes_of,
        cost_text=size,
        limits=[(budget.max_bytes, budget.name) for budget in view.budgets],
    )


def latency_scatter(view: StudyView) -> Scatter | None:
    """None where fewer than two rows were measured."""
    engine = ENGINES.get(view.first_engine or "", view.first_engine or "")
    return _scatter(
        view,
        key="latency",
        title=f"Latency and {view.metric_label}",
        cost_label=f"median time of a call in {engine}",
        cost_of=latency_of,
        cost_text=lambda value: f"{milliseconds(value)} ms",
        limits=[(budget.max_latency_ms, budget.name) for budget in view.budgets],
    )


def _scatter(
    view: StudyView,
    *,
    key: str,
    title: str,
    cost_label: str,
    cost_of: Cost,
    cost_text: Callable[[float], str],
    limits: Sequence[tuple[float | None, str]],
) -> Scatter | None:
    measured = measured_rows(view, cost_of)
    if len(measured) < 2:
        return None
    chosen = front_rows(view, cost_of)
    winners = {budget.winner for budget in view.budgets}
    points = tuple(
        Point(
            number=row.number,
            name=row.name,
            cost=cost,
            metric=found,
            sd=row.metrics[view.metric].sd,
            on_front=row in chosen,
            is_full=row.is_full,
            wins=row.name in winners,
        )
        for row, cost, found in measured
    )
    return Scatter(
        key=key,
        title=title,
        description=_description(view, chosen, points, cost_of, cost_text),
        cost_label=cost_label,
        metric_label=view.metric_label,
        cost_text=cost_text,
        higher_is_better=view.higher_is_better,
        points=points,
        limits=tuple((limit, name) for limit, name in limits if limit),
    )


def _description(
    view: StudyView,
    chosen: Sequence[Row],
    points: Sequence[Point],
    cost_of: Cost,
    cost_text: Callable[[float], str],
) -> str:
    """What the chart says, for who does not see it."""
    shown = [
        f"{row.name} ({cost_text(cost_of(view, row) or 0)}, {metric(row.metrics[view.metric].mean)})"
        for row in chosen
    ]
    return (
        f"{plural(len(points), 'point')}, one a recipe. On the front, from the cheapest: {listed(shown)}. "
        "All numbers are in the table of all recipes."
    )


def _figure(view: StudyView, scatter: Scatter | None, missing: str) -> Html | None:
    if scatter is None:
        return element(
            "p", f"No chart of {missing}: it was measured of fewer than two recipes.", class_="quiet"
        )
    return element(
        "figure",
        element("h3", scatter.title),
        drawn(scatter, WIDE),
        drawn(scatter, NARROW),
        _key(scatter),
        element("figcaption", _caption(view, scatter)),
    )


def _caption(view: StudyView, scatter: Scatter) -> Html:
    signs = [
        _sign("on-front", "on the line: nothing is as cheap and better"),
        _sign("beaten", "beaten by another"),
        _sign("full", "the full model"),
    ]
    if any(point.wins for point in scatter.points):
        signs.append(_sign("winner", "wins under a budget"))
    if any(point.sd for point in scatter.points):
        signs.append(
            _sign("bar", f"one standard deviation up and down, over {plural(len(view.seeds), 'seed')}")
        )
    if numbers_stand_in(Layout(scatter, WIDE)):
        signs.append(element("li", element("b", "#"), "the row of that number in the tables", class_="wide"))
    if any(Layout(scatter, WIDE).is_below(point) for point in scatter.points):
        signs.append(_sign("below", "far below all others"))
    if scatter.limits:
        signs.append(_sign("bound", "bound of a budget"))
    return element("ul", *signs, class_="signs")


def _key(scatter: Scatter) -> Html:
    """The names behind the numbers of the narrow chart."""
    names = (
        element(
            "li",
            element("b", str(point.number)),
            " ",
            point.name,
            class_=None if point.on_front or point.is_full else "pale",
        )
        for point in scatter.points
    )
    return element("ul", *names, class_="key narrow")


def _sign(kind: str, meaning: str) -> Html:
    """A mark as in the chart, and what it means."""
    shapes = {
        "on-front": element("g", element("circle", cx=10, cy=8, r=5, class_="mark"), class_="on-front"),
        "beaten": element("g", element("circle", cx=10, cy=8, r=5, class_="mark"), class_="beaten"),
        "full": element("g", diamond(10, 8, 7), class_="full"),
        "winner": joined(
            [
                element("circle", cx=10, cy=8, r=7, class_="ring"),
                element("g", element("circle", cx=10, cy=8, r=4, class_="mark"), class_="on-front"),
            ]
        ),
        "bar": element("path", d="M10 2V14M7 2h6M7 14h6", class_="spread"),
        "below": element("g", element("polygon", points="5,3 15,3 10,13", class_="mark"), class_="beaten"),
        "bound": element("line", x1=10, y1=0, x2=10, y2=16, class_="limit"),
    }
    symbol = element("svg", shapes[kind], viewBox="0 0 20 16", class_="sign", aria_hidden="true")
    return element("li", symbol, meaning)


__all__ = ["charts", "latency_scatter", "size_scatter"]
