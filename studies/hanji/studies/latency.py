"""Latency of bundles: measured in one process, in alternation, while no other job runs."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hanji.runtime import Classifier, EngineError, Recommender
from hanji.runtime.benchmarks import classifier as classifier_benchmark
from hanji.runtime.benchmarks import recommender as benchmark
from hanji.runtime.benchmarks.measuring import Call, latency, nanoseconds
from hanji.runtime.benchmarks.protocol import Settings, measure
from hanji.runtime.bundle import open_bundle
from hanji.runtime.manifest import ClassifierManifest

RUNS = 200
WARM_UP = 20
CLASSES, ITEMS = 5, 10
"""The k of the calls."""


@dataclass(frozen=True)
class CallTimes:
    """Latency of `recommend` or `classify` with one thread; ``engine_p50_ms``: of the engine's call alone."""

    p50_ms: float
    p90_ms: float
    engine_p50_ms: float


@dataclass(frozen=True)
class Footprint:
    """Costs of a fresh process that opens a bundle and makes a first call: medians over a few processes."""

    peak_bytes: int | None
    cold_start_ms: float


def interleaved(bundles: Mapping[str, Path], engine: str, *, runs: int = RUNS) -> dict[str, CallTimes]:
    """The times of each bundle by its name; bundles that ``engine`` cannot run are omitted.

    Every round calls each bundle once, so that other load on the machine affects all of them equally.
    """
    with ExitStack() as stack:
        rounds: dict[str, Iterator[tuple[Call, ...]]] = {}
        for name, bundle in bundles.items():
            try:
                rounds[name] = _rounds(bundle, engine, runs + WARM_UP, stack)
            except EngineError:
                continue
        times: dict[str, list[tuple[int, int]]] = {name: [] for name in rounds}
        for index in range(runs + WARM_UP):
            for name, calls in rounds.items():
                call, engine_call = next(calls)[:2]
                durations = nanoseconds(call), nanoseconds(engine_call)
                if index >= WARM_UP:
                    times[name].append(durations)
    return {name: _call_times(durations) for name, durations in times.items()}


def footprint(bundle: Path, engine: str, *, processes: int = 3) -> Footprint:
    """Peak memory and cold start of fresh processes, measured as by `hanji benchmark`."""
    settings = Settings({"engine": engine, "threads": 1}, cold_starts=processes, runs=10 * processes)
    result = measure(bundle, settings)
    peak = result["memory"]["peak_bytes"]
    return Footprint(
        peak_bytes=None if peak is None else peak["median"],
        cold_start_ms=result["cold_start"]["total_ms"]["median"],
    )


def _rounds(bundle: Path, engine: str, count: int, stack: ExitStack) -> Iterator[tuple[Call, ...]]:
    if isinstance(open_bundle(bundle).manifest, ClassifierManifest):
        classifier = stack.enter_context(Classifier.open(bundle, engine=engine, threads=1))
        samples = classifier_benchmark.noise(
            min(count, classifier_benchmark.IMAGES), classifier.image_input.shape, 0
        )
        k = min(CLASSES, len(classifier.labels))
        return classifier_benchmark.rounds(classifier, samples, count, k, 0)
    recommender = stack.enter_context(Recommender.open(bundle, engine=engine, threads=1))
    queries, _ = benchmark.queries(recommender, count, 0)
    return benchmark.rounds(recommender, queries, min(ITEMS, len(recommender.items)))


def _call_times(durations: list[tuple[int, int]]) -> CallTimes:
    calls, engine_calls = zip(*durations, strict=True)
    times = latency(calls)
    return CallTimes(times.p50_ms, times.p90_ms, statistics.median(engine_calls) / 1e6)


__all__ = ["CallTimes", "Footprint", "footprint", "interleaved"]
