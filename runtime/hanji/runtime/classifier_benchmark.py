"""How long a classifier takes to open and to answer, beside the engine alone, in one interleaved run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.classifier import Classifier
from hanji.runtime.engines.base import EngineInfo
from hanji.runtime.pictures import prepare
from hanji.runtime.timing import Call, Latency, check_runs, in_turns

CAMERA = (480, 640, 3)
"""Height, width and channels of the picture whose preparation is timed."""
_PICTURES = 16


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
        rng = np.random.default_rng(seed)
        pictures = rng.integers(0, 256, (min(runs, _PICTURES), *classifier.picture.shape), np.uint8)
        camera = rng.integers(0, 256, CAMERA, np.uint8)
        asking = time.perf_counter_ns()
        classifier.classify(pictures[0], k)
        answered = time.perf_counter_ns()
        whole, alone, prepared = in_turns(_rounds(classifier, pictures, camera, runs, k))
        return ClassifierReport(
            engine=classifier.engine,
            artifact=classifier.artifact.format,
            precision=classifier.artifact.precision,
            input=classifier.picture.shape,
            classes=len(classifier.labels),
            k=k,
            runs=runs,
            open_ms=(opened - start) / 1e6,
            first_answer_ms=(answered - asking) / 1e6,
            classify=whole,
            engine_alone=alone,
            prepare=prepared,
        )


def _rounds(
    classifier: Classifier, pictures: NDArray[np.uint8], camera: NDArray[np.uint8], runs: int, k: int
) -> Iterator[tuple[Call, ...]]:
    """classify() and the engine alone with the same picture, made ready right before they are called."""
    prepared = partial(prepare, camera, classifier.picture)
    for run in range(runs):
        picture = pictures[run % len(pictures)]
        engine_call = classifier.engine_call(picture)  # runs once: what follows finds the engine warm
        yield partial(classifier.classify, picture, k), engine_call, prepared


__all__ = ["CAMERA", "ClassifierReport", "benchmark_classifier"]
