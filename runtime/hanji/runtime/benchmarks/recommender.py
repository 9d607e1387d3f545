"""How long a recommender takes to open and to answer, beside the engine alone, in one interleaved run."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from hanji.runtime.benchmarks.timing import Call, Latency, check_runs, in_turns
from hanji.runtime.engines.info import EngineInfo
from hanji.runtime.ids import OwnId
from hanji.runtime.recommender import Recommender

SHORTEST_AND_LONGEST = (5, 200)
"""Items of a history."""


@dataclass(frozen=True)
class BenchmarkReport:
    """``recommend`` is the whole call; ``engine_alone`` the engine's own, inputs already in place.

    ``asked_with`` says in words what the questions were.
    """

    engine: EngineInfo
    artifact: str
    precision: str
    items: int
    asked_with: str
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

    In turns, so that whatever else the machine does meets both alike. Users are drawn from ``seed``; where
    the bundle takes histories, these are: 5 to 200 items each, lengths even on a logarithmic scale (a half
    below 32), no longer than half the catalogue, items evenly from it.
    """
    check_runs(runs)
    start = time.perf_counter_ns()
    recommender = Recommender.open(bundle, engine=engine, threads=threads)
    opened = time.perf_counter_ns()
    with recommender:
        asked, asked_with = questions(recommender, runs, seed)
        asking = time.perf_counter_ns()
        recommender.recommend(**asked[0], k=k)
        answered = time.perf_counter_ns()
        whole, alone = in_turns(rounds(recommender, asked, k))
        return BenchmarkReport(
            engine=recommender.engine,
            artifact=recommender.artifact.format,
            precision=recommender.artifact.precision,
            items=len(recommender.items),
            asked_with=asked_with,
            k=k,
            runs=runs,
            open_ms=(opened - start) / 1e6,
            first_answer_ms=(answered - asking) / 1e6,
            recommend=whole,
            engine_alone=alone,
        )


def questions(recommender: Recommender, count: int, seed: int) -> tuple[list[dict[str, Any]], str]:
    """What ``count`` calls of ``recommend`` are asked with, and in words what that is."""
    if recommender.users is None:
        return histories(recommender.items.ids.values, count, seed)
    return _users(recommender.users.values, count, seed)


def rounds(recommender: Recommender, asked: Sequence[dict[str, Any]], k: int) -> Iterator[tuple[Call, ...]]:
    """recommend() and the engine alone with the same question, made ready right before they are called."""
    for question in asked:
        engine_call = recommender.engine_call(**question)  # runs once: what follows finds the engine warm
        yield partial(recommender.recommend, **question, k=k), engine_call


def histories(ids: Sequence[OwnId], count: int, seed: int) -> tuple[list[dict[str, Any]], str]:
    """Histories of the items ``ids`` as ``benchmark`` describes them, and in words what they are."""
    rng = np.random.default_rng(seed)
    shortest, longest = (max(1, min(length, len(ids) // 2)) for length in SHORTEST_AND_LONGEST)
    lengths = np.exp(rng.uniform(math.log(shortest), math.log(longest), count)).round().astype(int)
    drawn = [rng.choice(len(ids), length, replace=False).tolist() for length in lengths]
    asked = [{"history": [ids[index] for index in indices]} for indices in drawn]
    return asked, f"a history of {shortest} to {longest} items"


def _users(ids: Sequence[OwnId], count: int, seed: int) -> tuple[list[dict[str, Any]], str]:
    drawn = np.random.default_rng(seed).integers(0, len(ids), count).tolist()
    return [{"user": ids[index]} for index in drawn], "a user"
