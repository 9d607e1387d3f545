"""One row of a recommender's report: metrics, size and latency of a bundle in one engine."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hanji.export.bundle.artifact import MODEL_FILES
from hanji.export.recommenders.evaluate import evaluations_of
from hanji.export.recommenders.timing import BenchmarkReport, benchmark
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.evaluation import Evaluation
from hanji.training.recommenders.protocols import FULL, REPORTED, SAMPLED

BENCHMARK_RUNS = 300


@dataclass(frozen=True)
class Row:
    """Metrics, size and latency of one artifact, all measured on the artifact itself."""

    model: str
    format: str
    precision: str
    engine: str
    metrics: dict[str, float]
    """Under the protocol of the data."""

    full_ranking: dict[str, float]
    """Under the protocol ``full``."""

    bytes: int
    gzip_bytes: int
    recommend_p50_ms: float
    recommend_p90_ms: float
    engine_p50_ms: float


def measure_bundle(bundle: Path, dataset: Dataset, *, model: str, engine: str) -> Row:
    """Evaluate and time ``bundle`` in ``engine`` on one thread."""
    timing = benchmark(bundle, engine=engine, runs=BENCHMARK_RUNS)
    content = (bundle / MODEL_FILES[timing.artifact]).read_bytes()
    found = evaluations_of(bundle, dataset, engine=engine, protocols=REPORTED)
    return _row(model, timing, found, content)


def _row(model: str, timing: BenchmarkReport, found: Mapping[str, Evaluation], content: bytes) -> Row:
    return Row(
        model=model,
        format=timing.artifact,
        precision=timing.precision,
        engine=f"{timing.engine.name} {timing.engine.version}",
        metrics=found[SAMPLED].metrics,
        full_ranking=found[FULL].metrics,
        bytes=len(content),
        gzip_bytes=len(gzip.compress(content, 9, mtime=0)),
        recommend_p50_ms=timing.recommend.p50_ms,
        recommend_p90_ms=timing.recommend.p90_ms,
        engine_p50_ms=timing.engine_alone.p50_ms,
    )
