"""The ``precision`` value of the manifest, by format and compression scheme."""

from __future__ import annotations

from hanji.compression.recommenders.steps import Scheme
from hanji.export.formats.names import Format

# The value differs from the scheme if the format cannot represent the scheme.
PRECISIONS: dict[Format, dict[Scheme, str]] = {
    "tflite": {
        "float32": "float32",
        "float16": "float16",
        "dynamic": "dynamic",
        "int8": "int8",
        "int8-rows": "int8-rows",
        "int4-rows": "int4-rows",
    },
    "onnx": {
        "float32": "float32",
        "float16": "float16",
        "dynamic": "int8-weights",
        "int8": "int8",
        "int8-rows": "int8-rows",
        "int4-rows": "int4-rows",
    },
    "tfjs": {
        "float32": "float32",
        "float16": "float16",
        "dynamic": "int8-weights",
        "int8": "int8-simulated",
        "int8-rows": "int8-rows",
        "int4-rows": "int4-rows",
    },
}

MEANINGS: dict[str, str] = {
    "float32": "float32 weights and arithmetic",
    "float16": "float16 weights, float32 arithmetic",
    "dynamic": "dynamic-range quantization: large weights in int8, activations quantized at run time",
    "int8": "int8 weights and hidden activations, float32 scores",
    "int8-weights": "large weights in int8, float32 arithmetic",
    "int8-simulated": "int8 weights, hidden activations rounded to the same 256 levels as in int8, float32 "
    "arithmetic",
    "int8-rows": "item table in int8 with one scale per row, other large weights in float16; TFLite "
    "quantizes the user vector to int8 at run time",
    "int4-rows": "item table in int4 with one scale per row, other large weights in float16; TFLite "
    "quantizes the user vector to int8 at run time",
}

__all__ = ["MEANINGS", "PRECISIONS"]
