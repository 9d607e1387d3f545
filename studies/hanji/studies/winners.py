"""The best recipe within each budget, or the violated limits if there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from hanji.studies.budget import Budget, largest_excess
from hanji.studies.results import Row


@dataclass(frozen=True)
class Winner:
    """The best recipe; if there is none, ``name`` is None, with the ``violations`` of the closest one."""

    budget: Budget
    name: str | None
    violations: str = ""


class _Costs(TypedDict):
    """The costs of a row, as the arguments of ``Budget``'s methods."""

    bytes: float | None
    latency_ms: float | None
    drop: float | None


def winner(budget: Budget, rows: Sequence[Row], *, metric: str, format: str, engine: str) -> Winner:
    """The row with the best mean of ``metric`` within the budget; ties go to the smaller file.

    If there is none, the closest recipe is the one with the smallest maximum excess.
    """
    done = [row for row in rows if row.metrics is not None]
    if not done:
        return Winner(budget, None, "every recipe failed")
    full = next((_mean(row, metric) for row in done if not row.variant.tables), None)
    costs = {row.variant.name: _costs(row, full, metric, format, engine) for row in done}
    violations = {name: budget.violations(**by_cost) for name, by_cost in costs.items()}
    fitting = [row for row in done if not violations[row.variant.name]]
    if fitting:
        best = max(fitting, key=lambda row: (_mean(row, metric), -(_bytes(row, format) or 0)))
        return Winner(budget, best.variant.name)
    closest = min(costs, key=lambda name: _distance(budget, costs[name], full))
    return Winner(budget, None, f"the closest is {closest!r}: {'; '.join(violations[closest])}")


def _costs(row: Row, full: float | None, metric: str, format: str, engine: str) -> _Costs:
    times = (row.latency or {}).get(engine)
    return {
        "bytes": _bytes(row, format),
        "latency_ms": None if times is None else times.p50_ms,
        "drop": None if full is None else full - _mean(row, metric),
    }


def _distance(budget: Budget, costs: _Costs, full: float | None) -> tuple[int, float]:
    """Rows are ordered by the number of missing costs, then by the largest excess."""
    unknown = list(costs.values()).count(None)
    return unknown, largest_excess(budget.excess(**costs, full_metric=full))


def _mean(row: Row, metric: str) -> float:
    return row.metrics[metric].mean if row.metrics else float("-inf")


def _bytes(row: Row, format: str) -> float | None:
    sizes = (row.formats or {}).get(format)
    return None if sizes is None else sizes.bytes.max


__all__ = ["Winner", "winner"]
