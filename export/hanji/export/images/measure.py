"""One row of a classifier's report: what a bundle reaches, weighs and costs in one engine."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from hanji.export.images.artifacts import ONNX_PATH, TFLITE_PATH
from hanji.export.images.evaluate import evaluate_classifier_bundle
from hanji.runtime.classifier_benchmark import benchmark_classifier
from hanji.training.images.data import ImageDataset

MODEL_FILES = {"tflite": TFLITE_PATH, "onnx": ONNX_PATH}
BENCHMARK_RUNS = 300


@dataclass(frozen=True)
class Work:
    """What a network holds and computes for one picture, whatever it is stored in."""

    parameters: int
    macs: int | None
    """Multiply-accumulates; None for a network that cannot be looked into."""


@dataclass(frozen=True)
class ClassifierRow:
    """Metrics, bytes and latency of one artifact, all measured on the artifact itself."""

    model: str
    format: str
    precision: str
    engine: str
    metrics: dict[str, float]
    bytes: int
    gzip_bytes: int
    parameters: int
    macs: int | None
    classify_p50_ms: float
    classify_p90_ms: float
    engine_p50_ms: float


def measure_classifier(
    bundle: Path, dataset: ImageDataset, *, model: str, engine: str, work: Work
) -> ClassifierRow:
    """Evaluate and time ``bundle`` in ``engine``, one thread."""
    timing = benchmark_classifier(bundle, engine=engine, runs=BENCHMARK_RUNS)
    content = (bundle / MODEL_FILES[timing.artifact]).read_bytes()
    return ClassifierRow(
        model=model,
        format=timing.artifact,
        precision=timing.precision,
        engine=f"{timing.engine.name} {timing.engine.version}",
        metrics=evaluate_classifier_bundle(bundle, dataset, engine=engine),
        bytes=len(content),
        gzip_bytes=len(gzip.compress(content, 9, mtime=0)),
        parameters=work.parameters,
        macs=work.macs,
        classify_p50_ms=timing.classify.p50_ms,
        classify_p90_ms=timing.classify.p90_ms,
        engine_p50_ms=timing.engine_alone.p50_ms,
    )


__all__ = ["ClassifierRow", "Work", "measure_classifier"]
