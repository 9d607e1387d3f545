"""How interactions are distributed over users, items and time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

EDGES = (0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000)
"""Lower bounds of the bins of a histogram."""

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
_CURVE_POINTS = 50
_UNITS = ((1e8, 1e10, 1.0), (1e11, 1e13, 1e3), (1e14, 1e16, 1e6))
"""Range of times since 1970 in seconds, milliseconds and microseconds, and the units per second."""


def distribution(counts: NDArray[np.int64]) -> dict[str, Any]:
    """JSON-ready summary of the interactions of each user or item: quantiles and a histogram."""
    edges = np.array(EDGES)
    bins = np.bincount(np.searchsorted(edges, counts, side="right") - 1, minlength=len(edges))
    histogram = [
        {"from": edge, "to": None if after is None else after - 1, "count": int(count)}
        for edge, after, count in zip(EDGES, (*EDGES[1:], None), bins, strict=True)
    ]
    used = [index for index, each in enumerate(histogram) if each["count"]]
    return {
        "median": float(np.median(counts)),
        "mean": float(counts.mean()),
        "90th_percentile": float(np.quantile(counts, 0.9)),
        "maximum": int(counts.max()),
        "histogram": histogram[used[0] : used[-1] + 1],
    }


def popularity_curve(popularity: NDArray[np.int64]) -> dict[str, Any]:
    """The share of the interactions that belongs to the most popular items: some shares, and a curve."""
    falling = np.sort(popularity)[::-1]
    cumulated = np.concatenate([[0.0], np.cumsum(falling) / max(int(falling.sum()), 1)])
    points = np.linspace(0.0, 1.0, _CURVE_POINTS + 1)
    return {
        "shares": [{"items": share, "interactions": _at(cumulated, share)} for share in SHARES],
        "curve": [[round(float(point), 4), round(_at(cumulated, point), 4)] for point in points],
    }


def time_range(times: NDArray[np.int64] | None) -> dict[str, Any] | None:
    """First and last time, as dates if they are seconds, milliseconds or microseconds since 1970."""
    if times is None or not len(times):
        return None
    first, last = int(times.min()), int(times.max())
    per_second = next((unit for low, high, unit in _UNITS if low <= first <= last < high), None)
    if per_second is None:
        return {"first": first, "last": last}
    return {
        name: datetime.fromtimestamp(value / per_second, UTC).strftime("%Y-%m-%d %H:%M")
        for name, value in (("first", first), ("last", last))
    }


def period_of(time: Mapping[str, Any] | None) -> str:
    """A time range in words."""
    return "none" if time is None else f"{time['first']} to {time['last']}"


def quantiles_of(table: Mapping[str, Any]) -> str:
    """The quantiles of a distribution in words."""
    quantiles = f"median {table['median']:g}, mean {table['mean']:.1f}, 90th percentile "
    return f"{quantiles}{table['90th_percentile']:g}, maximum {table['maximum']:,}"


def range_of(entry: Mapping[str, Any]) -> str:
    """The range of a bin: "1", "5-9" or "1,000 or more"."""
    if entry["to"] is None:
        return f"{entry['from']:,} or more"
    return f"{entry['from']:,}" if entry["to"] == entry["from"] else f"{entry['from']:,}–{entry['to']:,}"


def _at(cumulated: NDArray[np.float64], share: float) -> float:
    return float(np.interp(share * (len(cumulated) - 1), np.arange(len(cumulated)), cumulated))


__all__ = ["distribution", "period_of", "popularity_curve", "quantiles_of", "range_of", "time_range"]
