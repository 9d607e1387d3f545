"""The self-test of a classifier: replays the images and recorded outputs of each artifact in golden.json.

Pixels are uint8 [height, width, channels], row by row, in base64.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.images.preparation import prepare
from hanji.runtime.json_table import Table, as_number, parse_json
from hanji.runtime.manifest import CLASSIFICATION
from hanji.runtime.results import SelfTest

if TYPE_CHECKING:
    from hanji.runtime.manifest import ImageInput

LARGEST_SOURCE_SIDE = 4096


class Preparation(NamedTuple):
    """An image, uint8 [h, w, c], and the model input made from it, uint8 [height, width, channels]."""

    source: NDArray[np.uint8]
    prepared: NDArray[np.uint8]


@dataclass(frozen=True)
class ImageCase:
    """A prepared image, uint8 [height, width, channels], and its probabilities, float64 [classes].

    Differences are divided by ``sizes``, which values may have.
    """

    image: NDArray[np.uint8]
    label: int
    probabilities: NDArray[np.float64]
    sizes: NDArray[np.float64]


@dataclass(frozen=True)
class ImageReplay:
    """The recorded outputs of one artifact, and their tolerance."""

    tolerance: float
    cases: tuple[ImageCase, ...]


@dataclass(frozen=True)
class ImageGolden:
    """golden.json: image preparations, and recorded outputs by format."""

    preparation: tuple[Preparation, ...]
    artifacts: Mapping[str, ImageReplay]


Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Returns the probabilities of a prepared image, uint8 [1, height, width, channels]."""


def parse_golden(
    content: bytes, image_input: ImageInput, classes: int, where: str = "golden.json"
) -> ImageGolden:
    """Parse the golden cases in ``content``; BundleError naming the field if it is malformed."""
    table = parse_json(content, where)
    table.choice("task", (CLASSIFICATION,))
    preparation = tuple(_preparation(entry, image_input) for entry in table.tables("preparation"))
    artifacts = table.named_tables("artifacts")
    return ImageGolden(
        preparation, {name: _replay(entry, image_input, classes) for name, entry in artifacts.items()}
    )


def replay(golden: ImageGolden, artifact: str, image_input: ImageInput, predict: Predict) -> SelfTest:
    """Prepare every source, which must match byte for byte, and compare ``predict`` on every case."""
    expected = golden.artifacts.get(artifact)
    if expected is None:
        detail = f"golden.json has no cases for {artifact}, which was not run at export"
        return SelfTest(passed=False, cases=0, max_abs_error=0.0, tolerance=0.0, detail=detail)
    problems = [
        f"image {number} ({source.shape[1]} × {source.shape[0]}) is preprocessed differently than at export"
        for number, (source, prepared) in enumerate(golden.preparation)
        if not np.array_equal(prepare(source, image_input)[0], prepared)
    ]
    errors = [
        float(np.abs((predict(case.image[None]) - case.probabilities) / case.sizes).max())
        for case in expected.cases
    ]
    problems += [
        f"image {number}: a probability differs by {error:.3g}"
        for number, error in enumerate(errors)
        if not error <= expected.tolerance
    ]
    detail = (
        f"{len(golden.preparation)} preprocessing cases, {len(errors)} images, largest difference "
        f"{max(errors):.3g} (tolerance {expected.tolerance:.3g})"
    )
    if problems:
        detail += f"; {len(problems)} failed, first: {problems[0]}"
    return SelfTest(not problems, len(errors), max(errors), expected.tolerance, detail)


def _preparation(table: Table, image_input: ImageInput) -> Preparation:
    source = table.table("source")
    sides = [source.integer(side, 1, LARGEST_SOURCE_SIDE) for side in ("height", "width")]
    channels = source.integer("channels", 1, 4)
    if channels == 2:
        source.fail("channels", "1, 3 or 4")
    shape = (sides[0], sides[1], channels)
    return Preparation(_pixels(source, "pixels", shape), _pixels(table, "prepared", image_input.shape))


def _replay(table: Table, image_input: ImageInput, classes: int) -> ImageReplay:
    cases = tuple(_case(entry, image_input, classes) for entry in table.tables("cases", shortest=1))
    return ImageReplay(table.number("tolerance", smallest=0), cases)


def _case(table: Table, image_input: ImageInput, classes: int) -> ImageCase:
    label = table.integer("label", 0, classes - 1)
    probabilities = _numbers(table, "probabilities", classes)
    sizes = _numbers(table, "sizes", classes) if "sizes" in table.keys else np.ones(classes)
    return ImageCase(_pixels(table, "image", image_input.shape), label, probabilities, sizes)


def _numbers(table: Table, key: str, classes: int) -> NDArray[np.float64]:
    numbers = [as_number(value) for value in table.array(key)]
    if None in numbers or len(numbers) != classes:
        table.fail(key, f"{classes} finite numbers, one per class")
    return np.array(numbers, np.float64)


def _pixels(table: Table, key: str, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    height, width, channels = shape
    expected = f"base64 of {height} × {width} × {channels} bytes"
    try:
        content = base64.b64decode(table.long_text(key), validate=True)
    except (binascii.Error, ValueError):
        table.fail(key, expected)
    if len(content) != height * width * channels:
        table.fail(key, expected)
    return np.frombuffer(content, np.uint8).reshape(shape)
