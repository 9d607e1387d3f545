"""The two Pareto charts, size × metric and latency × metric, each for wide and narrow screens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hanji.studies.page.front import bytes_of, front_rows, latency_of, measured_rows
from hanji.studies.page.layout import NARROW, WIDE, Layout, Point, Scatter
from hanji.studies.page.point_names import has_number_labels
from hanji.studies.page.scatter import diamond, drawn
from hanji.studies.page.view import Row, StudyView
from hanji.studies.page.words import ENGINES, FORMATS, listed, metric, milliseconds, plural, size
from hanji.training.markup import Html, element, joined

Cost = Callable[[StudyView, Row], float | None]


def charts(view: StudyView) -> Html:
    """The section with both charts."""
    scatters = {"size": size_scatter(view), "latency": latency_scatter(view)}
    lead = (
        "A recipe is on the Pareto front if no other recipe is both smaller (or faster) and better. Which of "
        "these to choose depends on the budget of your device."
    )
    return element(
        "section",
        element("h2", "Pareto fronts", id="fronts"),
        element("p", lead, class_="lead") if any(scatters.values()) else None,
        *(_figure(view, scatter, missing) for missing, scatter in scatters.items()),
        aria_labelledby="fronts",
    )


def size_scatter(view: StudyView) -> Scatter | None:
    """None if fewer than two rows were measured."""
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
    """None if fewer than two rows were measured."""
    engine = ENGINES.get(view.first_engine or "", view.first_engine or "")
    return _scatter(
        view,
        key="latency",
        title=f"Latency and {view.metric_label}",
        cost_label=f"median latency in {engine}",
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
    on_front = front_rows(view, cost_of)
    winners = {budget.winner for budget in view.budgets}
    points = tuple(
        Point(
            number=row.number,
            name=row.name,
            cost=cost,
            metric=value,
            sd=row.metrics[view.metric].sd,
            on_front=row in on_front,
            is_full=row.is_full,
            wins=row.name in winners,
        )
        for row, cost, value in measured
    )
    return Scatter(
        key=key,
        title=title,
        description=_description(view, on_front, points, cost_of, cost_text),
        cost_label=cost_label,
        metric_label=view.metric_label,
        cost_text=cost_text,
        higher_is_better=view.higher_is_better,
        points=points,
        limits=tuple((limit, name) for limit, name in limits if limit),
    )


def _description(
    view: StudyView,
    on_front: Sequence[Row],
    points: Sequence[Point],
    cost_of: Cost,
    cost_text: Callable[[float], str],
) -> str:
    """The content of the chart for screen readers."""
    rows = [
        f"{row.name} ({cost_text(cost_of(view, row) or 0)}, {metric(row.metrics[view.metric].mean)})"
        for row in on_front
    ]
    return (
        f"{plural(len(points), 'point')}, one per recipe. The Pareto front, in order of increasing cost: "
        f"{listed(rows)}. All numbers are in the table of all recipes."
    )


def _figure(view: StudyView, scatter: Scatter | None, missing: str) -> Html | None:
    if scatter is None:
        return element(
            "p", f"No chart of {missing}, which was measured for fewer than two recipes.", class_="quiet"
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
    cheaper = "smaller" if scatter.key == "size" else "faster"
    signs = [
        _sign("on-front", f"Pareto front: no other recipe is both {cheaper} and better"),
        _sign("beaten", "dominated"),
        _sign("full", "full model"),
    ]
    if any(point.wins for point in scatter.points):
        signs.append(_sign("winner", "best within a budget"))
    if any(point.sd for point in scatter.points):
        signs.append(_sign("bar", f"± one standard deviation over {plural(len(view.seeds), 'seed')}"))
    if has_number_labels(Layout(scatter, WIDE)):
        signs.append(element("li", element("b", "#"), "number of the row in the tables", class_="wide"))
    if any(Layout(scatter, WIDE).is_below(point) for point in scatter.points):
        signs.append(_sign("below", "below the range of the axis"))
    if scatter.limits:
        signs.append(_sign("bound", "limit of a budget"))
    return element("ul", *signs, class_="signs")


def _key(scatter: Scatter) -> Html:
    """The names of the numbers in the narrow chart."""
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
    """An entry of the legend: a mark and its meaning."""
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
