"""What each format really holds under each compression scheme: the words of the manifest's ``precision``."""

from __future__ import annotations

from hanji.compression.steps import Scheme
from hanji.export.config import Format

# Where a format cannot hold the scheme, the word is another one.
PRECISIONS: dict[Format, dict[Scheme, str]] = {
    "tflite": {"float32": "float32", "float16": "float16", "dynamic": "dynamic", "int8": "int8"},
    "onnx": {"float32": "float32", "float16": "float16", "dynamic": "int8-weights", "int8": "int8"},
    "tfjs": {"float32": "float32", "float16": "float16", "dynamic": "int8-weights", "int8": "int8-simulated"},
}

MEANINGS: dict[str, str] = {
    "float32": "weights and arithmetic in 32-bit floats",
    "float16": "weights in 16-bit floats, arithmetic in 32-bit",
    "dynamic": "large weights in 8-bit integers, activations quantized on the device as they come",
    "int8": "weights and hidden activations in 8-bit integers, the score itself in 32-bit floats",
    "int8-weights": "large weights in 8-bit integers, arithmetic in 32-bit floats",
    "int8-simulated": "weights in 8-bit integers, hidden activations rounded to the same 256 levels as "
    "in int8, arithmetic in 32-bit floats",
}

__all__ = ["MEANINGS", "PRECISIONS"]
