"""Times interleaved calls, so that other load on the machine affects all kinds of calls equally."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hanji.runtime.errors import HanjiError

Call = Callable[[], object]


@dataclass(frozen=True)
class Latency:
    """Percentiles of the latency of one call."""

    p50_ms: float
    p90_ms: float
    p99_ms: float


def check_runs(runs: int) -> None:
    """Raise HanjiError for a number of runs below 1."""
    if runs < 1:
        raise HanjiError(f"runs: expected 1 or more, found {runs}")


def interleaved(rounds: Iterable[tuple[Call, ...]]) -> tuple[Latency, ...]:
    """The latency of each call of a round over all rounds; the calls of a round run in order."""
    return tuple(map(latency, interleaved_nanoseconds(rounds)))


def interleaved_nanoseconds(rounds: Iterable[tuple[Call, ...]]) -> tuple[tuple[int, ...], ...]:
    """The times of each call of a round over all rounds: a tuple for the first call, one for the second, …"""
    times = [tuple(map(nanoseconds, calls)) for calls in rounds]
    return tuple(zip(*times, strict=True))


def nanoseconds(call: Call) -> int:
    """The duration of one call."""
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start


def latency(times: Sequence[int]) -> Latency:
    """The percentiles of ``times``, which are in nanoseconds."""
    p50, p90, p99 = np.percentile(times, [50, 90, 99]) / 1e6
    return Latency(float(p50), float(p90), float(p99))
