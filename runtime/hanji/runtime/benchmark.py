"""How long a bundle takes to open and to answer, beside the engine alone, in one interleaved run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from hanji.runtime.engines.base import EngineInfo
from hanji.runtime.errors import HanjiError
from hanji.runtime.recommender import Recommender


@dataclass(frozen=True)
class Latency:
    """Percentiles of the time of one call."""

    p50_ms: float
    p90_ms: float
    p99_ms: float


@dataclass(frozen=True)
class BenchmarkReport:
    """``recommend`` is the whole call; ``engine_alone`` the engine's own, inputs already in place."""

    engine: EngineInfo
    artifact: str
    precision: str
    items: int
    k: int
    runs: int
    open_ms: float
    first_answer_ms: float
    recommend: Latency
    engine_alone: Latency

    @property
    def p50_ratio(self) -> float:
        """recommend() over the engine alone."""
        return self.recommend.p50_ms / self.engine_alone.p50_ms


def benchmark(
    bundle: str | os.PathLike[str],
    *,
    engine: str = "auto",
    threads: int = 1,
    runs: int = 1000,
    k: int = 10,
    seed: int = 0,
) -> BenchmarkReport:
    """Open the bundle, answer once, then time ``runs`` calls of each kind in turns.

    In turns, so that whatever else the machine does meets both alike. Users are drawn from ``seed``.
    """
    if runs < 1:
        raise HanjiError(f"runs: expected 1 or more, found {runs}")
    start = time.perf_counter_ns()
    recommender = Recommender.open(bundle, engine=engine, threads=threads)
    opened = time.perf_counter_ns()
    with recommender:
        recommender.recommend(recommender.users.values[0], k)
        answered = time.perf_counter_ns()
        whole, alone = _interleaved(recommender, runs, k, seed)
        return BenchmarkReport(
            engine=recommender.engine,
            artifact=recommender.artifact.format,
            precision=recommender.artifact.precision,
            items=len(recommender.items),
            k=k,
            runs=runs,
            open_ms=(opened - start) / 1e6,
            first_answer_ms=(answered - opened) / 1e6,
            recommend=_latency(whole),
            engine_alone=_latency(alone),
        )


def _interleaved(recommender: Recommender, runs: int, k: int, seed: int) -> tuple[list[int], list[int]]:
    """Nanoseconds of each call of recommend() and of the engine alone."""
    users = np.random.default_rng(seed).integers(0, len(recommender.users), runs).tolist()
    engine_call = recommender.engine_call(recommender.users.values[0])
    whole, alone = [], []
    for index in users:
        user = recommender.users.values[index]
        whole.append(_time(partial(recommender.recommend, user, k)))
        alone.append(_time(engine_call))
    return whole, alone


def _time(call: Callable[[], object]) -> int:
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start


def _latency(nanoseconds: list[int]) -> Latency:
    p50, p90, p99 = np.percentile(nanoseconds, [50, 90, 99]) / 1e6
    return Latency(float(p50), float(p90), float(p99))
