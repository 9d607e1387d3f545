"""golden.json of a classifier: preprocessing test cases, and the outputs of each artifact for some images."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.files.measures import sizes_of
from hanji.export.bundle.queries import Outputs
from hanji.runtime.images.preparation import prepare
from hanji.runtime.manifest import CLASSIFICATION, ImageInput

Images = npt.NDArray[np.uint8]
GOLDEN_IMAGES = 8
"""The largest number of images in golden.json."""

_GOLDEN_BYTES = 200_000  # size limit of those images together, to keep golden.json small
_FLOAT_PRECISIONS = ("float32", "float32-sparse", "float16", "int8-weights")
_FLOAT_TOLERANCE, _QUANTIZED_TOLERANCE = 1e-4, 0.1
_PREPARED_BYTES = 200_000  # size limit of the preprocessed images together
_SIDE = 48  # largest height and width of a source image, to keep golden.json small


def golden_count(images: Images) -> int:
    """How many of ``images`` golden.json contains: fewer if they are large, but at least two."""
    return min(GOLDEN_IMAGES, len(images), max(2, _GOLDEN_BYTES // int(images[0].size)))


def image_replay_tolerance(precision: str) -> float:
    """How far a probability on a device may deviate from the one in golden.json.

    Float arithmetic differs between processors in the last bits only. With quantized activations, those bits
    (or the summation order of a kernel) occasionally decide between two quantization levels.
    """
    return _FLOAT_TOLERANCE if precision in _FLOAT_PRECISIONS else _QUANTIZED_TOLERANCE


def image_golden_table(
    image_input: ImageInput,
    images: Images,
    replays: Mapping[str, tuple[Outputs, float]],
    *,
    are_values: bool = False,
) -> dict[str, Any]:
    """The content of golden.json.

    ``images`` are uint8 [n, h, w, c]; ``replays`` maps each format to its outputs, which start with those for
    ``images``, and its tolerance. Of outputs that ``are_values``, it is relative to the size of each: values
    may have different magnitudes.
    """
    artifacts = {
        name: {"tolerance": tolerance, "cases": _cases(images, outputs, are_values)}
        for name, (outputs, tolerance) in replays.items()
    }
    return {"task": CLASSIFICATION, "preparation": _preparation(image_input), "artifacts": artifacts}


def _cases(images: Images, outputs: Outputs, are_values: bool) -> list[dict[str, Any]]:
    sizes = {"sizes": sizes_of(np.stack(outputs.scores)).tolist()} if are_values else {}
    return [
        {
            "image": _text(image),
            "label": int(found.argmax()),
            "probabilities": [float(str(value)) for value in found],  # shortest decimal of the float32
            **sizes,
        }
        for image, found in zip(images, outputs.scores, strict=False)
    ]


def _preparation(image_input: ImageInput) -> list[dict[str, Any]]:
    """Random source images that differ from the model's input in size, aspect ratio and channels."""
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
