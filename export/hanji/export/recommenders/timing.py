"""Open time and latency of a recommender, compared with the bare engine in one interleaved run."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from hanji.runtime import Recommender
from hanji.runtime.benchmarks.measuring import Latency, check_runs, interleaved
from hanji.runtime.benchmarks.recommender import queries, rounds
from hanji.runtime.engines.base import EngineInfo


@dataclass(frozen=True)
class BenchmarkReport:
    """Latencies of a recommender.

    ``recommend`` is the end-to-end call; ``engine_alone`` the bare engine call with the inputs already set.
    ``input_description`` describes the inputs of the calls.
    """

    engine: EngineInfo
    artifact: str
    precision: str
    items: int
    input_description: str
    k: int
    runs: int
    open_ms: float
    first_answer_ms: float
    recommend: Latency
    engine_alone: Latency

    @property
    def p50_ratio(self) -> float:
        """Median latency of recommend() divided by that of the bare engine."""
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
    """Open the bundle, recommend once, then time ``runs`` interleaved calls of each kind.

    The calls are interleaved so that other load on the machine affects both kinds equally. Users, or
    histories if the bundle takes histories, are sampled with ``seed``.
    """
    check_runs(runs)
    start = time.perf_counter_ns()
    recommender = Recommender.open(bundle, engine=engine, threads=threads)
    opened = time.perf_counter_ns()
    with recommender:
        inputs, description = queries(recommender, runs, seed)
        first_start = time.perf_counter_ns()
        recommender.recommend(**inputs[0], k=k)
        first_end = time.perf_counter_ns()
        whole, alone = interleaved(rounds(recommender, inputs, k))
        return BenchmarkReport(
            engine=recommender.engine,
            artifact=recommender.artifact.format,
            precision=recommender.artifact.precision,
            items=len(recommender.items),
            input_description=description,
            k=k,
            runs=runs,
            open_ms=(opened - start) / 1e6,
            first_answer_ms=(first_end - first_start) / 1e6,
            recommend=whole,
            engine_alone=alone,
        )


__all__ = ["BenchmarkReport", "benchmark"]
