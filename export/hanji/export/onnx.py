"""Keras to ONNX: one file a signature, made from the TFLite file so that both hold the same weights.

``int8`` becomes QDQ, with the very 8-bit weights and activation ranges of the TFLite file; the other
schemes start from the float32 file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
import tf2onnx.convert
import tf_keras as keras

from hanji.compression.steps import Scheme
from hanji.export.onnx_graph import canonical, stored_as
from hanji.export.precision import PRECISIONS
from hanji.export.quiet import quiet
from hanji.export.signatures import Signatures, precomputed_signatures
from hanji.export.tflite import convert_functions, tensor_names
from hanji.training.errors import ConversionError

OPSET = 17
IR_VERSION = 8
OLDEST_ONNXRUNTIME = "1.17.0"  # the oldest that was tried; opset 17 and IR version 8 came before it


def convert_onnx(model: keras.Model, items: int, scheme: Scheme, signature: str) -> bytes:
    """The ``.onnx`` file of one signature; inputs and outputs are named as the signature names them.

    Raises ConversionError where the conversion leaves something that ONNX does not know.
    """
    functions = Signatures(model, items, precomputed=precomputed_signatures(scheme, [signature]))
    tflite = convert_functions(functions, "int8" if scheme == "int8" else "float32", [signature])
    converted = from_tflite(tflite, scheme)
    stored_as(converted.graph, PRECISIONS["onnx"][scheme])
    return checked(canonical(converted, tensor_names(tflite, signature)), f"{scheme}, {signature}")


def checked(result: onnx.ModelProto, what: str) -> bytes:
    """The content of the file; ConversionError where ONNX's own checker refuses the model."""
    result.ir_version = IR_VERSION
    try:
        onnx.checker.check_model(result, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(
            f"ONNX ({what}): expected a valid ONNX model, but its checker says: {error}; "
            "export without ONNX, or change the layer it names"
        ) from error
    return bytes(result.SerializeToString(deterministic=True))


def from_tflite(content: bytes, scheme: str) -> onnx.ModelProto:
    """What tf2onnx makes of a ``.tflite`` file; ConversionError where it does not know an operation."""
    with tempfile.TemporaryDirectory(prefix="hanji-export-") as directory, quiet():
        path = Path(directory) / "model.tflite"
        path.write_bytes(content)
        try:
            model, _ = tf2onnx.convert.from_tflite(str(path), opset=OPSET)
        except (ValueError, KeyError, NotImplementedError) as error:
            raise ConversionError(
                f"ONNX ({scheme}): expected operations that tf2onnx knows, but it stopped with: {error}; "
                "export without ONNX, or change the layer it names"
            ) from error
    return model


__all__ = ["IR_VERSION", "OLDEST_ONNXRUNTIME", "OPSET", "checked", "convert_onnx", "from_tflite"]
