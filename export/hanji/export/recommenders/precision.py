"""What each format really holds under each compression scheme: the words of the manifest's ``precision``."""

from __future__ import annotations

from hanji.compression.recommenders.steps import Scheme
from hanji.export.formats.names import Format

# Where a format cannot hold the scheme, the word is another one.
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
    "float32": "weights and arithmetic in 32-bit floats",
    "float16": "weights in 16-bit floats, arithmetic in 32-bit",
    "dynamic": "large weights in 8-bit integers, activations quantized on the device as they come",
    "int8": "weights and hidden activations in 8-bit integers, the score itself in 32-bit floats",
    "int8-weights": "large weights in 8-bit integers, arithmetic in 32-bit floats",
    "int8-simulated": "weights in 8-bit integers, hidden activations rounded to the same 256 levels as "
    "in int8, arithmetic in 32-bit floats",
    "int8-rows": "the item table in 8-bit integers with a scale for each row, other large weights in 16-bit "
    "floats; TFLite rounds the user vector to 8 bits as it comes",
    "int4-rows": "the item table in 4-bit integers with a scale for each row, other large weights in 16-bit "
    "floats; TFLite rounds the user vector to 8 bits as it comes",
}

__all__ = ["MEANINGS", "PRECISIONS"]
