"""Which rows nothing beats: at least as small and as good, and better in one of the two (Pareto)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hanji.studies.page.view import Row, StudyView


def front(points: Iterable[tuple[float, float]], higher_is_better: bool = True) -> list[int]:
    """The places of the points (cost, metric) on the front, cheapest first. Twins stand or fall together."""
    found = [(cost, metric if higher_is_better else -metric) for cost, metric in points]
    chosen: list[int] = []
    for index in sorted(range(len(found)), key=lambda index: (found[index][0], -found[index][1], index)):
        best = found[chosen[-1]] if chosen else None
        if best is None or found[index][1] > best[1] or found[index] == best:
            chosen.append(index)
    return chosen


def bytes_of(view: StudyView, row: Row) -> float | None:
    """Of the first format's file, the mean over seeds."""
    found = row.formats.get(view.first_format)
    return None if found is None or found.bytes is None else found.bytes.mean


def latency_of(view: StudyView, row: Row) -> float | None:
    """p50 of a whole call in the first format's engine, in milliseconds."""
    found = None if view.first_engine is None else row.latency.get(view.first_engine)
    return None if found is None else found.p50_ms


def front_rows(view: StudyView, cost_of: Callable[[StudyView, Row], float | None]) -> list[Row]:
    """Of the rows whose cost and metric were measured, those on the front, cheapest first."""
    measured = measured_rows(view, cost_of)
    chosen = front([(cost, metric) for _, cost, metric in measured], view.higher_is_better)
    return [measured[index][0] for index in chosen]


def measured_rows(
    view: StudyView, cost_of: Callable[[StudyView, Row], float | None]
) -> list[tuple[Row, float, float]]:
    """(row, cost, metric) where both were measured; a cost of zero has no place on a logarithmic axis."""
    found = []
    for row in view.done:
        cost, spread = cost_of(view, row), row.metrics.get(view.metric)
        if cost and cost > 0 and spread is not None:
            found.append((row, cost, spread.mean))
    return found


__all__ = ["bytes_of", "front", "front_rows", "latency_of", "measured_rows"]
