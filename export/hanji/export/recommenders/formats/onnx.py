"""Converts a Keras model to ONNX: one file per signature, with the same weights as the TFLite file.

``int8`` becomes QDQ format with exactly the int8 weights and activation ranges of the TFLite file; the other
schemes start from the float32 file.
"""

from __future__ import annotations

import tf_keras as keras

from hanji.compression.recommenders.steps import Scheme
from hanji.export.formats.onnx import checked, from_tflite
from hanji.export.formats.onnx_graph import canonical, store_weights_as
from hanji.export.formats.tflite import tensor_names
from hanji.export.recommenders.formats.signatures import Signatures, precomputed_signatures
from hanji.export.recommenders.formats.tflite import convert_functions
from hanji.export.recommenders.precision import PRECISIONS


def convert_onnx(model: keras.Model, items: int, scheme: Scheme, signature: str) -> bytes:
    """The ``.onnx`` file of one signature, with the signature's input and output names.

    Raises ConversionError if the result contains operations that ONNX does not support.
    """
    functions = Signatures(model, items, precomputed=precomputed_signatures(scheme, [signature]))
    tflite = convert_functions(functions, "int8" if scheme == "int8" else "float32", [signature])
    converted = from_tflite(tflite, scheme)
    store_weights_as(converted.graph, PRECISIONS["onnx"][scheme])
    return checked(canonical(converted, tensor_names(tflite, signature)), f"{scheme}, {signature}")


__all__ = ["convert_onnx"]
