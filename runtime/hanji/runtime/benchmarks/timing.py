"""Times calls in turns, so that whatever else the machine does meets all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hanji.runtime.errors import HanjiError

Call = Callable[[], object]


@dataclass(frozen=True)
class Latency:
    """Percentiles of the time of one call."""

    p50_ms: float
    p90_ms: float
    p99_ms: float


def check_runs(runs: int) -> None:
    """HanjiError for a number of runs that cannot be."""
    if runs < 1:
        raise HanjiError(f"runs: expected 1 or more, found {runs}")


def in_turns(rounds: Iterable[tuple[Call, ...]]) -> tuple[Latency, ...]:
    """The latency of the first, the second, … call of every round, called in that order."""
    return tuple(map(latency, nanoseconds_in_turns(rounds)))


def nanoseconds_in_turns(rounds: Iterable[tuple[Call, ...]]) -> tuple[tuple[int, ...], ...]:
    """The time of each call: first those of the first call of every round, then those of the second, …"""
    times = [tuple(map(nanoseconds, calls)) for calls in rounds]
    return tuple(zip(*times, strict=True))


def nanoseconds(call: Call) -> int:
    """What one call takes."""
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start


def latency(times: Sequence[int]) -> Latency:
    """The percentiles of ``times``, nanoseconds."""
    p50, p90, p99 = np.percentile(times, [50, 90, 99]) / 1e6
    return Latency(float(p50), float(p90), float(p99))


__all__ = ["Call", "Latency", "check_runs", "in_turns", "latency", "nanoseconds", "nanoseconds_in_turns"]
