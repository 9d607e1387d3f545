"""Open time and latency of a recommender, compared with the bare engine in one interleaved run."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from hanji.runtime.benchmarks.measuring import Call, Latency, check_runs, interleaved
from hanji.runtime.engines.base import EngineInfo
from hanji.runtime.ids import ExternalId
from hanji.runtime.recommender import Recommender

SHORTEST_AND_LONGEST = (5, 200)
"""Lengths of the histories, in items."""


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
    histories if the bundle takes histories, are sampled with ``seed``. A history has 5 to 200 items, but at
    most half the catalogue; its length is log-uniform (median 32) and its items are sampled uniformly.
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


def queries(recommender: Recommender, count: int, seed: int) -> tuple[list[dict[str, Any]], str]:
    """Keyword arguments for ``count`` calls of ``recommend``, and a description of them."""
    if recommender.users is None:
        return histories(recommender.items.ids.values, count, seed)
    return _users(recommender.users.values, count, seed)


def rounds(recommender: Recommender, inputs: Sequence[dict[str, Any]], k: int) -> Iterator[tuple[Call, ...]]:
    """One round per query: recommend() and the bare engine call, set up right before they are timed."""
    for query in inputs:
        engine_call = recommender.engine_call(**query)  # runs the engine once: the timed calls are warm
        yield partial(recommender.recommend, **query, k=k), engine_call


def histories(ids: Sequence[ExternalId], count: int, seed: int) -> tuple[list[dict[str, Any]], str]:
    """Random histories over the items ``ids``, as described in ``benchmark``, and a description of them."""
    rng = np.random.default_rng(seed)
    shortest, longest = (max(1, min(length, len(ids) // 2)) for length in SHORTEST_AND_LONGEST)
    lengths = np.exp(rng.uniform(math.log(shortest), math.log(longest), count)).round().astype(int)
    drawn = [rng.choice(len(ids), length, replace=False).tolist() for length in lengths]
    inputs = [{"history": [ids[index] for index in indices]} for indices in drawn]
    return inputs, f"a history of {shortest} to {longest} items"


def _users(ids: Sequence[ExternalId], count: int, seed: int) -> tuple[list[dict[str, Any]], str]:
    drawn = np.random.default_rng(seed).integers(0, len(ids), count).tolist()
    return [{"user": ids[index]} for index in drawn], "a user"
