"""Calls of a classifier and of its bare engine, to be timed in one interleaved run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.benchmarks.measuring import Call
from hanji.runtime.classifier import Classifier
from hanji.runtime.images.preparation import prepare

CAMERA = (480, 640, 3)
"""Height, width and channels of the image whose preparation is timed."""
IMAGES = 16
"""Distinct images that the calls cycle through."""


def noise(count: int, shape: tuple[int, int, int], seed: int) -> NDArray[np.uint8]:
    """``count`` images of uniform noise, uint8 [count, height, width, channels].

    Latency does not depend on what images show.
    """
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def describe_input(shape: tuple[int, int, int]) -> str:
    """The ``protocol.input`` entry for an image of this height, width and number of channels."""
    height, width, channels = shape
    return f"a picture of {width} × {height} {'grey' if channels == 1 else 'RGB'}"


def rounds(
    classifier: Classifier, images: NDArray[np.uint8], runs: int, k: int, seed: int
) -> Iterator[tuple[Call, ...]]:
    """One round per run: answer() and the bare engine call with the same image, and the preparation of an
    image of size ``CAMERA``. Each round is set up right before its calls are timed.
    """
    prepared = partial(prepare, noise(1, CAMERA, seed)[0], classifier.image_input)
    for run in range(runs):
        image = images[run % len(images)]
        engine_call = classifier.engine_call(image)  # runs the engine once, so that the timed calls are warm
        yield partial(classifier.answer, image, k), engine_call, prepared
