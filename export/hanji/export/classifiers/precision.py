"""The ``precision`` value of the manifest, by format and compression scheme."""

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
"""The value differs from the scheme if the format cannot represent the scheme."""

SPARSE = "float32-sparse"
"""A TFLite file with sparse tensors; the other formats store zeros like any other value."""

INTEGERS_ONLY = "int8-only"
"""A TFLite file for the Edge TPU."""

MEANINGS: dict[str, str] = {
    "float32": "float32 weights and arithmetic",
    SPARSE: "float32 weights and arithmetic, with pruned weights stored as sparse tensors; LiteRT skips the "
    "zeros on ARM if the network architecture allows it",
    "float16": "float16 weights, float32 arithmetic",
    "dynamic": "dynamic-range quantization: large weights in int8, activations quantized at run time",
    "int8": "int8 weights (per-channel scales) and activations; pre- and postprocessing of the network in "
    "float32",
    INTEGERS_ONLY: "integer-only: int8 weights (per-channel scales), activations, input and output, as "
    "accelerators require; the runtime normalizes images and turns logits into probabilities",
    "int16x8": "int8 weights, int16 activations; slow in engines without optimized kernels",
    "int8-weights": "large weights in int8 (per-channel scales), float32 arithmetic",
    "int8-simulated": "int8 weights, activations rounded to the same 256 levels as in int8, float32 "
    "arithmetic",
}


def precision_of(target: Format, scheme: ImageScheme, *, sparse: bool) -> str:
    """The ``precision`` value of a scheme in a format."""
    return SPARSE if sparse and target == "tflite" else PRECISIONS[target][scheme]


__all__ = ["INTEGERS_ONLY", "MEANINGS", "PRECISIONS", "SPARSE", "precision_of"]
