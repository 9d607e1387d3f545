"""The best recipe under each budget, and what stands in the way where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hanji.studies.budget import Budget
from hanji.studies.results import Row


@dataclass(frozen=True)
class Winner:
    """``name`` is None where no recipe fits; ``binds`` then says what the nearest one breaks."""

    budget: Budget
    name: str | None
    binds: str = ""


def winner(budget: Budget, rows: Sequence[Row], *, metric: str, format: str, engine: str) -> Winner:
    """The row with the best mean of ``metric`` among those within the budget; of equals the smaller file."""
    done = [row for row in rows if row.metrics is not None]
    full = next((row for row in done if not row.variant.tables), None)
    broken = [(row, _broken(budget, row, full, metric, format, engine)) for row in done]
    fitting = [row for row, reasons in broken if not reasons]
    if fitting:
        best = max(fitting, key=lambda row: (_mean(row, metric), -(_bytes(row, format) or 0)))
        return Winner(budget, best.variant.name)
    if not broken:
        return Winner(budget, None, "no recipe ended well")
    nearest, reasons = min(broken, key=lambda found: (len(found[1]), _bytes(found[0], format) or 0))
    return Winner(budget, None, f"nearest is {nearest.variant.name!r}: {'; '.join(reasons)}")


def _broken(budget: Budget, row: Row, full: Row | None, metric: str, format: str, engine: str) -> list[str]:
    times = (row.latency or {}).get(engine)
    drop = None if full is None else _mean(full, metric) - _mean(row, metric)
    return budget.binding(
        bytes=_bytes(row, format), latency_ms=None if times is None else times.p50_ms, drop=drop
    )


def _mean(row: Row, metric: str) -> float:
    return row.metrics[metric].mean if row.metrics else float("-inf")


def _bytes(row: Row, format: str) -> float | None:
    sizes = (row.formats or {}).get(format)
    return None if sizes is None else sizes.bytes.max


__all__ = ["Winner", "winner"]
