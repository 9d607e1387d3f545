"""How long each bundle takes to answer: all of them in turns, in one process, with nothing else running."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hanji.runtime import Classifier, EngineError, Recommender
from hanji.runtime.benchmarks import classifier as classifier_benchmark
from hanji.runtime.benchmarks import recommender as benchmark
from hanji.runtime.benchmarks.protocol import Settings, measure
from hanji.runtime.benchmarks.timing import Call, latency, nanoseconds
from hanji.runtime.bundle import open_bundle
from hanji.runtime.manifest import ClassifierManifest

RUNS = 200
WARM_UP = 20
CLASSES, TEN = 5, 10


@dataclass(frozen=True)
class CallTimes:
    """Of `recommend` or `classify`, one thread; ``engine_p50_ms`` is the engine's own call."""

    p50_ms: float
    p90_ms: float
    engine_p50_ms: float


@dataclass(frozen=True)
class Footprint:
    """Of a fresh process that opens a bundle and answers: medians over a few of them."""

    peak_bytes: int | None
    cold_start_ms: float


def interleaved(bundles: Mapping[str, Path], engine: str, *, runs: int = RUNS) -> dict[str, CallTimes]:
    """The times of each bundle by its name; one that ``engine`` cannot run is left out.

    Every round asks each bundle once, so that whatever else the machine does meets all of them.
    """
    with ExitStack() as stack:
        rounds: dict[str, Iterator[tuple[Call, ...]]] = {}
        for name, bundle in bundles.items():
            try:
                rounds[name] = _rounds(bundle, engine, runs + WARM_UP, stack)
            except EngineError:
                continue
        times: dict[str, list[tuple[int, int]]] = {name: [] for name in rounds}
        for turn in range(runs + WARM_UP):
            for name, calls in rounds.items():
                whole, alone = next(calls)[:2]
                found = nanoseconds(whole), nanoseconds(alone)
                if turn >= WARM_UP:
                    times[name].append(found)
    return {name: _call_times(found) for name, found in times.items()}


def footprint(bundle: Path, engine: str, *, processes: int = 3) -> Footprint:
    """Peak memory and cold start of fresh processes, by the protocol of `hanji benchmark`."""
    settings = Settings({"engine": engine, "threads": 1}, cold_starts=processes, runs=10 * processes)
    found = measure(bundle, settings)
    peak = found["memory"]["peak_bytes"]
    return Footprint(
        peak_bytes=None if peak is None else peak["median"],
        cold_start_ms=found["cold_start"]["total_ms"]["median"],
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
    asked, _ = benchmark.questions(recommender, count, 0)
    return benchmark.rounds(recommender, asked, min(TEN, len(recommender.items)))


def _call_times(found: list[tuple[int, int]]) -> CallTimes:
    whole, alone = zip(*found, strict=True)
    times = latency(whole)
    return CallTimes(times.p50_ms, times.p90_ms, statistics.median(alone) / 1e6)


__all__ = ["CallTimes", "Footprint", "footprint", "interleaved"]
