"""Parity tolerances: how far an artifact may deviate from the compressed Keras model.

Differences are fractions of the scores' spread: the standard deviation of one user's scores over the
catalogue or, for ``largest``, the root mean square of an item's own scores if that is larger. A conversion
bug (an unused quantization range, a dropped bias, permuted rows) shifts the typical score and shows in
``typical``; a single corrupt table row shows in ``largest``.

The tolerances leave a margin above the worst values measured on NeuMF, GMF, MLP, NCF and MF models, both
randomly initialized and trained on MovieLens-1M: typical differences were 9e-7 (float32), 0.002 (float16),
0.02 (int8 weights), 0.03 (int8) and 0.0002 (int8-simulated). An unused range gave 0.3 to 0.6. For history
models (sum and attention pooling, with a hidden layer and with a tower, random and trained on MovieLens-1M)
they were 0.0003 with quantized rows, and 0.0075 with the user vector quantized as well (largest 0.074,
overlap 0.984).
"""

from __future__ import annotations

from dataclasses import dataclass

from hanji.compression.recommenders.steps import Scheme
from hanji.export.formats.names import Format


@dataclass(frozen=True)
class Tolerance:
    """The tolerance of one scheme in one format, and the reason why it is not tighter.

    ``largest`` and ``typical`` (root mean square) limit the difference of a score, as fractions of the
    spread; ``overlap`` is the minimum mean overlap of the top 10 items.
    """

    largest: float
    typical: float
    overlap: float
    why: str


_SAME = Tolerance(1e-4, 1e-5, 1.0, "the same arithmetic in a different order")
_HALF = Tolerance(0.02, 0.005, 0.98, "each weight is rounded to an 11-bit significand")
_WEIGHTS = Tolerance(0.25, 0.06, 0.93, "large weights are rounded to 8 bits, unlike in the Keras model")
_DYNAMIC = Tolerance(0.35, 0.06, 0.93, "as int8-weights, and activations are quantized to 8 bits at run time")
# Keras rounds at the same points, but computes in float32 in between: a sum close to the midpoint of two
# quantization levels can be rounded to either.
_INTEGER = Tolerance(0.3, 0.03, 0.95, "activations are occasionally rounded to a neighbouring 8-bit level")
_SIMULATED = Tolerance(
    0.2, 0.02, 0.98, "as int8, but less often: the arithmetic between the roundings is that of Keras"
)
# The Keras model computes with the same quantized rows, so they cause no difference.
_ROWS = Tolerance(
    0.02, 0.002, 0.98, "large weights except the item table are rounded to an 11-bit significand"
)
_INTEGER_ROWS = Tolerance(
    0.15, 0.02, 0.95, "as above, and the user vector is quantized to 8 bits at run time, by its own range"
)

TOLERANCES: dict[Format, dict[Scheme, Tolerance]] = {
    "tflite": {
        "float32": _SAME,
        "float16": _HALF,
        "dynamic": _DYNAMIC,
        "int8": _INTEGER,
        "int8-rows": _INTEGER_ROWS,
        "int4-rows": _INTEGER_ROWS,
    },
    "onnx": {
        "float32": _SAME,
        "float16": _HALF,
        "dynamic": _WEIGHTS,
        "int8": _INTEGER,
        "int8-rows": _ROWS,
        "int4-rows": _ROWS,
    },
    "tfjs": {
        "float32": _SAME,
        "float16": _HALF,
        "dynamic": _WEIGHTS,
        "int8": _SIMULATED,
        "int8-rows": _ROWS,
        "int4-rows": _ROWS,
    },
}

__all__ = ["TOLERANCES", "Tolerance"]
