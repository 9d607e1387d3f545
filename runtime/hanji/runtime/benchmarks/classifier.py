"""Open time and latency of a classifier, compared with the bare engine in one interleaved run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.benchmarks.measuring import Call, Latency, check_runs, interleaved
from hanji.runtime.classifier import Classifier
from hanji.runtime.engines.base import EngineInfo
from hanji.runtime.images.preparation import prepare

CAMERA = (480, 640, 3)
"""Height, width and channels of the image whose preparation is timed."""
IMAGES = 16
"""Distinct images that the calls cycle through."""


@dataclass(frozen=True)
class ClassifierReport:
    """Latencies of a classifier.

    ``classify`` is the end-to-end call with an array of the model's input size, ``engine_alone`` the bare
    engine call with the input already set; ``prepare`` converts an array of size ``CAMERA`` to the model's
    input.
    ``input`` is the height, width and channels of the model's input.
    """

    engine: EngineInfo
    artifact: str
    precision: str
    input: tuple[int, int, int]
    classes: int
    k: int
    runs: int
    open_ms: float
    first_answer_ms: float
    classify: Latency
    engine_alone: Latency
    prepare: Latency

    @property
    def p50_ratio(self) -> float:
        """Median latency of classify() divided by that of the bare engine."""
        return self.classify.p50_ms / self.engine_alone.p50_ms


def benchmark_classifier(
    bundle: str | os.PathLike[str],
    *,
    engine: str = "auto",
    threads: int = 1,
    runs: int = 1000,
    k: int = 5,
    seed: int = 0,
) -> ClassifierReport:
    """Open the bundle, classify once, then time ``runs`` interleaved calls of each kind.

    The images are random noise generated from ``seed``, because latency does not depend on the image content.
    Decoding a file is not timed: it depends on Pillow and on the file.
    """
    check_runs(runs)
    start = time.perf_counter_ns()
    classifier = Classifier.open(bundle, engine=engine, threads=threads)
    opened = time.perf_counter_ns()
    with classifier:
        images = noise(min(runs, IMAGES), classifier.image_input.shape, seed)
        first_start = time.perf_counter_ns()
        classifier.classify(images[0], k)
        first_end = time.perf_counter_ns()
        whole, alone, prepared = interleaved(rounds(classifier, images, runs, k, seed))
        return ClassifierReport(
            engine=classifier.engine,
            artifact=classifier.artifact.format,
            precision=classifier.artifact.precision,
            input=classifier.image_input.shape,
            classes=len(classifier.labels),
            k=k,
            runs=runs,
            open_ms=(opened - start) / 1e6,
            first_answer_ms=(first_end - first_start) / 1e6,
            classify=whole,
            engine_alone=alone,
            prepare=prepared,
        )


def noise(count: int, shape: tuple[int, int, int], seed: int) -> NDArray[np.uint8]:
    """``count`` images of uniform noise, uint8 [count, height, width, channels]."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def describe_input(shape: tuple[int, int, int]) -> str:
    """The ``protocol.input`` entry for an image of this height, width and number of channels."""
    height, width, channels = shape
    return f"a picture of {width} × {height} {'grey' if channels == 1 else 'RGB'}"


def rounds(
    classifier: Classifier, images: NDArray[np.uint8], runs: int, k: int, seed: int
) -> Iterator[tuple[Call, ...]]:
    """One round per run: classify() and the bare engine call with the same image, and the preparation of an
    image of size ``CAMERA``. Each round is set up right before its calls are timed.
    """
    prepared = partial(prepare, noise(1, CAMERA, seed)[0], classifier.image_input)
    for run in range(runs):
        image = images[run % len(images)]
        engine_call = classifier.engine_call(image)  # runs the engine once, so that the timed calls are warm
        yield partial(classifier.classify, image, k), engine_call, prepared
