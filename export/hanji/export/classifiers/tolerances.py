"""How far each artifact may be from the compressed Keras classifier before a bundle is refused.

Differences are of probabilities. A fault of conversion (levels that are not normalized, a bias left out,
channels out of place, a range that is not used) moves the typical probability and changes the best class of
most pictures. One picture between two classes may move far where activations are rounded, and says nothing:
so ``largest`` is wide there.
"""

from __future__ import annotations

from dataclasses import dataclass

from hanji.compression.classifiers.steps import ImageScheme
from hanji.export.formats.names import Format


@dataclass(frozen=True)
class ImageTolerance:
    """What is allowed, and why not less.

    ``largest`` and ``typical`` (root mean square) differences of a probability; ``agreement`` is the smallest
    share of pictures of which both name the same best class.
    """

    largest: float
    typical: float
    agreement: float
    why: str


_SAME = ImageTolerance(2e-4, 2e-5, 1.0, "the same arithmetic in another order")
_HALF = ImageTolerance(0.1, 0.005, 0.98, "each weight is rounded to 11 bits")
_WEIGHTS = ImageTolerance(
    0.5, 0.03, 0.94, "each large weight is rounded to 8 bits, which the Keras model does not do"
)
_DYNAMIC = ImageTolerance(
    0.5, 0.04, 0.93, "as int8-weights, and activations are rounded to 8 bits as they come"
)
_CALIBRATED = ImageTolerance(
    0.8, 0.06, 0.9, "weights and activations are rounded to 8 bits, which the Keras model does not do"
)
# The Keras model rounds in the same places, but between them it computes in floats: a sum near the middle of
# two levels can fall on either.
_TRAINED = ImageTolerance(0.6, 0.03, 0.95, "activations fall on a neighbouring level of 8 bits now and then")
_SIMULATED = ImageTolerance(
    0.4, 0.02, 0.97, "as int8-qat, but more rarely: between the levels it computes as Keras does"
)

IMAGE_TOLERANCES: dict[Format, dict[ImageScheme, ImageTolerance]] = {
    "tflite": {
        "float32": _SAME,
        "float16": _HALF,
        "dynamic": _DYNAMIC,
        "int8": _CALIBRATED,
        "int8-qat": _TRAINED,
        "int16x8": _WEIGHTS,
    },
    "onnx": {
        "float32": _SAME,
        "float16": _HALF,
        "dynamic": _WEIGHTS,
        "int8": _CALIBRATED,
        "int8-qat": _TRAINED,
        "int16x8": _WEIGHTS,
    },
    "tfjs": {
        "float32": _SAME,
        "float16": _HALF,
        "dynamic": _WEIGHTS,
        "int8": _WEIGHTS,
        "int8-qat": _SIMULATED,
        "int16x8": _WEIGHTS,
    },
}

__all__ = ["IMAGE_TOLERANCES", "ImageTolerance"]
