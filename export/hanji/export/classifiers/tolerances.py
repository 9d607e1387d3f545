"""Parity tolerances: how far an artifact may deviate from the compressed Keras classifier.

Differences are differences of probabilities. A conversion bug (missing normalization, a dropped bias,
permuted channels, an unused quantization range) shifts the typical probability and changes the top-1 class of
most images. With quantized activations, a single image near a decision boundary can change a lot without any
bug: ``largest`` is therefore wide there.
"""

from __future__ import annotations

from dataclasses import dataclass

from hanji.compression.classifiers.steps import ImageScheme
from hanji.export.formats.names import Format


@dataclass(frozen=True)
class ImageTolerance:
    """The tolerance of one scheme in one format, and the reason why it is not tighter.

    ``largest`` and ``typical`` (root mean square) limit the difference of a probability; ``agreement`` is the
    minimum share of images with the same top-1 class.
    """

    largest: float
    typical: float
    agreement: float
    why: str


_SAME = ImageTolerance(2e-4, 2e-5, 1.0, "the same arithmetic in a different order")
_HALF = ImageTolerance(0.1, 0.005, 0.98, "each weight is rounded to an 11-bit significand")
_WEIGHTS = ImageTolerance(0.5, 0.03, 0.94, "large weights are rounded to 8 bits, unlike in the Keras model")
_DYNAMIC = ImageTolerance(
    0.5, 0.04, 0.93, "as int8-weights, and activations are quantized to 8 bits at run time"
)
_CALIBRATED = ImageTolerance(
    0.8, 0.06, 0.9, "weights and activations are rounded to 8 bits, unlike in the Keras model"
)
# The Keras model rounds at the same points, but computes in float32 in between: a sum close to the midpoint
# of two quantization levels can be rounded to either.
_TRAINED = ImageTolerance(
    0.6, 0.03, 0.95, "activations are occasionally rounded to a neighbouring 8-bit level"
)
_SIMULATED = ImageTolerance(
    0.4, 0.02, 0.97, "as int8-qat, but less often: the arithmetic between the roundings is that of Keras"
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
