"""Pareto fronts: a row is dominated by one that is at least as cheap and good, and better in either."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hanji.studies.page.view import Row, StudyView


def front(points: Iterable[tuple[float, float]], higher_is_better: bool = True) -> list[int]:
    """The indices of the points (cost, metric) on the front, cheapest first, including all equal points."""
    signed = [(cost, metric if higher_is_better else -metric) for cost, metric in points]
    indices: list[int] = []
    for index in sorted(range(len(signed)), key=lambda index: (signed[index][0], -signed[index][1], index)):
        best = signed[indices[-1]] if indices else None
        if best is None or signed[index][1] > best[1] or signed[index] == best:
            indices.append(index)
    return indices


def bytes_of(view: StudyView, row: Row) -> float | None:
    """Bytes of the first format's file, the mean over seeds."""
    sizes = row.formats.get(view.first_format)
    return None if sizes is None or sizes.bytes is None else sizes.bytes.mean


def latency_of(view: StudyView, row: Row) -> float | None:
    """Median latency in the first format's engine, in milliseconds."""
    latency = None if view.first_engine is None else row.latency.get(view.first_engine)
    return None if latency is None else latency.p50_ms


def front_rows(view: StudyView, cost_of: Callable[[StudyView, Row], float | None]) -> list[Row]:
    """The rows on the front among those with a measured cost and metric, cheapest first."""
    measured = measured_rows(view, cost_of)
    indices = front([(cost, metric) for _, cost, metric in measured], view.higher_is_better)
    return [measured[index][0] for index in indices]


def measured_rows(
    view: StudyView, cost_of: Callable[[StudyView, Row], float | None]
) -> list[tuple[Row, float, float]]:
    """(row, cost, metric) of rows with both; a cost of zero cannot be shown on a logarithmic axis."""
    measured = []
    for row in view.done:
        cost, spread = cost_of(view, row), row.metrics.get(view.metric)
        if cost and cost > 0 and spread is not None:
            measured.append((row, cost, spread.mean))
    return measured


__all__ = ["bytes_of", "front", "front_rows", "latency_of", "measured_rows"]
