"""What each format holds under each compression scheme: the words of the manifest's ``precision``."""

from __future__ import annotations

from hanji.compression.classifiers.steps import ImageScheme
from hanji.export.formats.names import Format

PRECISIONS: dict[Format, dict[ImageScheme, str]] = {
    "tflite": {
        "float32": "float32",
        "float16": "float16",
        "dynamic": "dynamic",
        "int8": "int8",
        "int8-qat": "int8",
        "int16x8": "int16x8",
    },
    "onnx": {
        "float32": "float32",
        "float16": "float16",
        "dynamic": "int8-weights",
        "int8": "int8",
        "int8-qat": "int8",
        "int16x8": "int8-weights",
    },
    "tfjs": {
        "float32": "float32",
        "float16": "float16",
        "dynamic": "int8-weights",
        "int8": "int8-weights",
        "int8-qat": "int8-simulated",
        "int16x8": "int8-weights",
    },
}
"""Where a format cannot hold the scheme, the word is another one."""

SPARSE = "float32-sparse"
"""Of a TFLite file with sparse tensors; the other formats store zeros like other numbers."""

INTEGERS_ONLY = "int8-only"
"""Of a TFLite file for the Edge TPU."""

MEANINGS: dict[str, str] = {
    "float32": "weights and arithmetic in 32-bit floats",
    SPARSE: "weights that are mostly zero as sparse tensors of 32-bit floats, arithmetic in 32-bit floats; "
    "LiteRT skips the zeros on ARM, where the network has the shape for it",
    "float16": "weights in 16-bit floats, arithmetic in 32-bit",
    "dynamic": "large weights in 8-bit integers, activations quantized on the device as they come",
    "int8": "weights, with a scale for each output channel, and activations in 8-bit integers; what lies "
    "around the network, from levels to its input and from logits to probabilities, in 32-bit floats",
    INTEGERS_ONLY: "weights, with a scale for each output channel, activations, input and output in 8-bit "
    "integers and nothing in floats, as accelerators ask for it: the runtime normalizes pictures and makes "
    "probabilities of logits",
    "int16x8": "weights in 8-bit integers, activations in 16-bit ones; slow where an engine has no kernels "
    "made for it",
    "int8-weights": "large weights in 8-bit integers, with a scale for each output channel, arithmetic in "
    "32-bit floats",
    "int8-simulated": "weights in 8-bit integers, activations rounded to the same 256 levels as in int8, "
    "arithmetic in 32-bit floats",
}


def precision_of(target: Format, scheme: ImageScheme, *, sparse: bool) -> str:
    """The word for a scheme in a format."""
    return SPARSE if sparse and target == "tflite" else PRECISIONS[target][scheme]


__all__ = ["INTEGERS_ONLY", "MEANINGS", "PRECISIONS", "SPARSE", "precision_of"]
