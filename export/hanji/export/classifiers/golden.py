"""golden.json of a classifier: what pictures become, and what each artifact said of some of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hanji.export.bundle.answers import Answers
from hanji.runtime.images.preparation import prepare
from hanji.runtime.manifest import CLASSIFICATION, ImageInput

Images = npt.NDArray[np.uint8]
GOLDEN_IMAGES = 8
"""Images that golden.json holds at most."""

_GOLDEN_BYTES = 200_000  # that they may take together, so that golden.json stays light
_IN_FLOATS = ("float32", "float32-sparse", "float16", "int8-weights")
_IN_LAST_BITS, _BY_SOME_LEVELS = 1e-4, 0.1
_PREPARED_BYTES = 200_000  # that prepared pictures may take together
_SIDE = 48  # pixels at most of a source on either side, so that golden.json stays light


def golden_count(images: Images) -> int:
    """How many of ``images`` golden.json holds: fewer of large ones, but two at least."""
    return min(GOLDEN_IMAGES, len(images), max(2, _GOLDEN_BYTES // int(images[0].size)))


def image_replay_tolerance(precision: str) -> float:
    """How far a probability on a device may be from the one here.

    Float arithmetic differs between processors in its last bits only. Where activations are rounded to whole
    numbers, those bits, or the order in which a kernel adds, decide now and then between two levels.
    """
    return _IN_LAST_BITS if precision in _IN_FLOATS else _BY_SOME_LEVELS


def image_golden_table(
    image_input: ImageInput, images: Images, replays: Mapping[str, tuple[Answers, float]]
) -> dict[str, Any]:
    """The content of golden.json.

    ``images`` are uint8 [n, h, w, c]; ``replays`` holds, by format, answers that begin with those to
    ``images``, and the tolerance.
    """
    artifacts = {
        name: {"tolerance": tolerance, "cases": _cases(images, answers)}
        for name, (answers, tolerance) in replays.items()
    }
    return {"task": CLASSIFICATION, "preparation": _preparation(image_input), "artifacts": artifacts}


def _cases(images: Images, answers: Answers) -> list[dict[str, Any]]:
    return [
        {
            "image": _text(image),
            "label": int(found.argmax()),
            "probabilities": [float(str(value)) for value in found],  # the shortest that is this float32
        }
        for image, found in zip(images, answers.scores, strict=False)
    ]


def _preparation(image_input: ImageInput) -> list[dict[str, Any]]:
    """Pictures that are wider, higher, smaller and in other colours than the model's, made from one seed."""
    rng = np.random.default_rng(0)
    height, width = min(image_input.height, _SIDE // 2), min(image_input.width, _SIDE // 2)
    shapes = ((height + 5, 2 * width, 3), (2 * height, width + 3, 1), (height // 2 + 1, width // 2 + 2, 4))
    kept = max(1, _PREPARED_BYTES // (image_input.height * image_input.width * image_input.channels))
    sources = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes[:kept]]
    return [
        {
            "source": dict(
                zip(("height", "width", "channels"), source.shape, strict=True), pixels=_text(source)
            ),
            "prepared": _text(prepare(source, image_input)),
        }
        for source in sources
    ]


def _text(pixels: Images) -> str:
    return base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode("ascii")


__all__ = ["image_golden_table", "image_replay_tolerance"]
