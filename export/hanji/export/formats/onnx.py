"""Converts a ``.tflite`` file to a checked ONNX model."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
import tf2onnx.convert

from hanji.export.formats.onnx_gelu import expand_gelu
from hanji.export.formats.quiet import quiet
from hanji.training.errors import ConversionError

OPSET = 17
IR_VERSION = 8
OLDEST_ONNXRUNTIME = "1.17.0"  # the oldest release tested; opset 17 and IR version 8 predate it


def checked(result: onnx.ModelProto, what: str) -> bytes:
    """The serialized model; ConversionError if the ONNX checker rejects it."""
    result.ir_version = IR_VERSION
    try:
        onnx.checker.check_model(result, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(
            f"ONNX ({what}): expected a valid ONNX model, found one that the ONNX checker rejects: {error}; "
            "export without ONNX, --formats tflite,tfjs, or change the layer named"
        ) from error
    return bytes(result.SerializeToString(deterministic=True))


def from_tflite(content: bytes, scheme: str) -> onnx.ModelProto:
    """Convert a ``.tflite`` file with tf2onnx; ConversionError for an operation that it does not support."""
    with tempfile.TemporaryDirectory(prefix="hanji-export-") as directory, quiet():
        path = Path(directory) / "model.tflite"
        path.write_bytes(content)
        try:
            model, _ = tf2onnx.convert.from_tflite(str(path), opset=OPSET)
        except (ValueError, KeyError, NotImplementedError) as error:
            raise ConversionError(
                f"ONNX ({scheme}): expected operations that tf2onnx supports, but it failed with: {error}; "
                "export without ONNX, --formats tflite,tfjs, or change the layer named"
            ) from error
    expand_gelu(model.graph)
    return model


__all__ = ["IR_VERSION", "OLDEST_ONNXRUNTIME", "OPSET", "checked", "from_tflite"]
