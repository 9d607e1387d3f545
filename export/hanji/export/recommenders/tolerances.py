"""How far each artifact may be from the compressed Keras model before a bundle is refused.

Differences are fractions of the scores' spread: the standard deviation of one user's scores over the
catalogue. A fault of conversion (a range that is not used, a bias left out, rows out of place) moves the
typical score and shows in ``typical``; one bad table row shows in ``largest``.

The numbers leave room above the worst that was measured on NeuMF, GMF, MLP, NCF and MF models, random and
trained on MovieLens-1M: typical differences were 9e-7 (float32), 0.002 (float16), 0.02 (8-bit weights),
0.03 (int8) and 0.0002 (int8-simulated). A range that was not used gave 0.3 to 0.6. History models, with
sum and attention, with a hidden layer and a tower, random and trained on MovieLens-1M: typically 0.0003 in
rows of whole numbers and 0.0075 where the user vector is rounded, too (0.074 at most, overlap 0.984).
"""

from __future__ import annotations

from dataclasses import dataclass

from hanji.compression.recommenders.steps import Scheme
from hanji.export.formats.names import Format


@dataclass(frozen=True)
class Tolerance:
    """What is allowed, and why not less.

    ``largest`` and ``typical`` (root mean square) differences of a score, as fractions of the spread;
    ``overlap`` is the smallest mean share of the ten best items that both name.
    """

    largest: float
    typical: float
    overlap: float
    why: str


_SAME = Tolerance(1e-4, 1e-5, 1.0, "the same arithmetic in another order")
_HALF = Tolerance(0.02, 0.005, 0.98, "each weight is rounded to 11 bits")
_WEIGHTS = Tolerance(
    0.25, 0.06, 0.93, "each large weight is rounded to 8 bits, which the Keras model does not do"
)
_DYNAMIC = Tolerance(0.35, 0.06, 0.93, "as int8-weights, and activations are rounded to 8 bits as they come")
# Keras rounds in the same places, but between them it computes in floats: a sum near the middle of two
# levels can fall on either.
_INTEGER = Tolerance(0.3, 0.03, 0.95, "activations fall on a neighbouring level of 8 bits now and then")
_SIMULATED = Tolerance(
    0.2, 0.02, 0.98, "as int8, but more rarely: between the levels it computes as Keras does"
)
# The rows of whole numbers are the Keras model's own: they lose nothing.
_ROWS = Tolerance(0.02, 0.002, 0.98, "each large weight but the item table is rounded to 11 bits")
_INTEGER_ROWS = Tolerance(
    0.15, 0.02, 0.95, "as above, and the user vector is rounded to 8 bits as it comes, by its own range"
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
