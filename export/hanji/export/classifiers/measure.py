"""One row of a classifier's report: metrics, size and latency of a bundle in one engine."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.export.bundle.artifact import MODEL_FILES
from hanji.export.classifiers.evaluate import evaluate_classifier_bundle
from hanji.export.classifiers.manifest import own_parameters
from hanji.runtime import Classifier
from hanji.runtime.benchmarks.classifier import IMAGES, noise, rounds
from hanji.runtime.benchmarks.measuring import interleaved
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.profile import profile

BENCHMARK_RUNS = 300
_K, _SEED = 5, 0


@dataclass(frozen=True)
class Complexity:
    """The size of a network and its cost per image, independent of the stored precision."""

    parameters: int
    macs: int | None
    """Multiply-accumulates; None for a network with unknown layer types."""


@dataclass(frozen=True)
class ClassifierRow:
    """Metrics, size and latency of one artifact, all measured on the artifact itself."""

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
    bundle: Path, dataset: ImageDataset, *, model: str, engine: str, complexity: Complexity
) -> ClassifierRow:
    """Evaluate and time ``bundle`` in ``engine`` on one thread."""
    with Classifier.open(bundle, engine=engine) as classifier:
        images = noise(IMAGES, classifier.image_input.shape, _SEED)
        classify, alone, _ = interleaved(rounds(classifier, images, BENCHMARK_RUNS, _K, _SEED))
        artifact, used = classifier.artifact, classifier.engine
    content = (bundle / MODEL_FILES[artifact.format]).read_bytes()
    return ClassifierRow(
        model=model,
        format=artifact.format,
        precision=artifact.precision,
        engine=f"{used.name} {used.version}",
        metrics=evaluate_classifier_bundle(bundle, dataset, engine=engine),
        bytes=len(content),
        gzip_bytes=len(gzip.compress(content, 9, mtime=0)),
        parameters=complexity.parameters,
        macs=complexity.macs,
        classify_p50_ms=classify.p50_ms,
        classify_p90_ms=classify.p90_ms,
        engine_p50_ms=alone.p50_ms,
    )


def complexity_of(compressed: CompressedClassifier) -> Complexity:
    """Parameters and multiply-accumulates of the exported network."""
    network = compressed.plain if compressed.plain is not None else compressed.model
    found = profile(network)
    return Complexity(own_parameters(compressed), None if found.uncounted else found.macs)


__all__ = ["ClassifierRow", "Complexity", "complexity_of", "measure_classifier"]
