"""The best recipe under each budget, and what stands in the way where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from hanji.studies.budget import Budget, beyond
from hanji.studies.results import Row


@dataclass(frozen=True)
class Winner:
    """``name`` is None where no recipe fits; ``binds`` then says what the nearest one breaks."""

    budget: Budget
    name: str | None
    binds: str = ""


class _Costs(TypedDict):
    """Of one row, as ``Budget`` takes them."""

    bytes: float | None
    latency_ms: float | None
    drop: float | None


def winner(budget: Budget, rows: Sequence[Row], *, metric: str, format: str, engine: str) -> Winner:
    """The row with the best mean of ``metric`` among those within the budget; of equals the smaller file.

    Where none is, the nearest is the one that goes least beyond the bound which it breaks most.
    """
    done = [row for row in rows if row.metrics is not None]
    if not done:
        return Winner(budget, None, "no recipe ended well")
    full = next((_mean(row, metric) for row in done if not row.variant.tables), None)
    costs = {row.variant.name: _costs(row, full, metric, format, engine) for row in done}
    broken = {name: budget.binding(**found) for name, found in costs.items()}
    fitting = [row for row in done if not broken[row.variant.name]]
    if fitting:
        best = max(fitting, key=lambda row: (_mean(row, metric), -(_bytes(row, format) or 0)))
        return Winner(budget, best.variant.name)
    nearest = min(costs, key=lambda name: _distance(budget, costs[name], full))
    return Winner(budget, None, f"nearest is {nearest!r}: {'; '.join(broken[nearest])}")


def _costs(row: Row, full: float | None, metric: str, format: str, engine: str) -> _Costs:
    times = (row.latency or {}).get(engine)
    return {
        "bytes": _bytes(row, format),
        "latency_ms": None if times is None else times.p50_ms,
        "drop": None if full is None else full - _mean(row, metric),
    }


def _distance(budget: Budget, costs: _Costs, full: float | None) -> tuple[int, float]:
    """What was not measured is farther than any number."""
    unknown = list(costs.values()).count(None)
    return unknown, beyond(budget.excess(**costs, full_metric=full))


def _mean(row: Row, metric: str) -> float:
    return row.metrics[metric].mean if row.metrics else float("-inf")


def _bytes(row: Row, format: str) -> float | None:
    sizes = (row.formats or {}).get(format)
    return None if sizes is None else sizes.bytes.max


__all__ = ["Winner", "winner"]
