"""How long a classifier takes to open and to answer, beside the engine alone, in one interleaved run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.benchmarks.timing import Call, Latency, check_runs, in_turns
from hanji.runtime.classifier import Classifier
from hanji.runtime.engines.info import EngineInfo
from hanji.runtime.images.preparation import prepare

CAMERA = (480, 640, 3)
"""Height, width and channels of the picture whose preparation is timed."""
IMAGES = 16
"""Different pictures that the calls take turns with."""


@dataclass(frozen=True)
class ClassifierReport:
    """``classify`` is the whole call with an array of the model's own size, ``engine_alone`` the engine's own
    with the input in place; ``prepare`` makes the model's input of an array of ``CAMERA``'s size.

    ``input`` is height, width and channels of a picture for the model.
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
        """classify() over the engine alone."""
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
    """Open the bundle, answer once, then time ``runs`` calls of each kind in turns.

    Pictures are noise, drawn from ``seed``: how long a model takes does not depend on what it sees. Decoding
    a file is not timed: that is Pillow's time and the file's.
    """
    check_runs(runs)
    start = time.perf_counter_ns()
    classifier = Classifier.open(bundle, engine=engine, threads=threads)
    opened = time.perf_counter_ns()
    with classifier:
        images = noise(min(runs, IMAGES), classifier.image_input.shape, seed)
        asking = time.perf_counter_ns()
        classifier.classify(images[0], k)
        answered = time.perf_counter_ns()
        whole, alone, prepared = in_turns(rounds(classifier, images, runs, k, seed))
        return ClassifierReport(
            engine=classifier.engine,
            artifact=classifier.artifact.format,
            precision=classifier.artifact.precision,
            input=classifier.image_input.shape,
            classes=len(classifier.labels),
            k=k,
            runs=runs,
            open_ms=(opened - start) / 1e6,
            first_answer_ms=(answered - asking) / 1e6,
            classify=whole,
            engine_alone=alone,
            prepare=prepared,
        )


def noise(count: int, shape: tuple[int, int, int], seed: int) -> NDArray[np.uint8]:
    """``count`` pictures of noise, uint8 [count, height, width, channels]."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def in_words(shape: tuple[int, int, int]) -> str:
    """A picture of height, width and channels, as a protocol names it."""
    height, width, channels = shape
    return f"a picture of {width} × {height} {'grey' if channels == 1 else 'RGB'}"


def rounds(
    classifier: Classifier, images: NDArray[np.uint8], runs: int, k: int, seed: int
) -> Iterator[tuple[Call, ...]]:
    """classify() and the engine alone with the same picture, made ready right before they are called, and the
    preparation of a picture of ``CAMERA``'s size.
    """
    prepared = partial(prepare, noise(1, CAMERA, seed)[0], classifier.image_input)
    for run in range(runs):
        image = images[run % len(images)]
        engine_call = classifier.engine_call(image)  # runs once: what follows finds the engine warm
        yield partial(classifier.classify, image, k), engine_call, prepared


__all__ = ["CAMERA", "IMAGES", "ClassifierReport", "benchmark_classifier", "in_words", "noise", "rounds"]
