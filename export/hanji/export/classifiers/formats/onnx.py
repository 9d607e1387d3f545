"""Converts a classifier to ONNX: one file, made from the TFLite file so that both have the same weights.

int8, int8-qat   QDQ format with exactly the int8 weights and activation ranges of the TFLite file
float16          float16 weights, converted to float32 when ONNX Runtime creates the session
dynamic, int16x8 int8 weights with per-channel scales, dequantized when the session is created: ONNX Runtime
                 has no kernels for int16 activations, nor for dynamically quantized convolutions
float32, sparse  float32 weights: ONNX Runtime has no sparse kernels, so zeros are stored like other values
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from hanji.compression.classifiers.signature_names import CLASSIFY
from hanji.compression.classifiers.steps import ImageScheme
from hanji.export.classifiers.formats.onnx_qdq import simplify_qdq
from hanji.export.classifiers.precision import PRECISIONS
from hanji.export.formats.onnx import checked, from_tflite
from hanji.export.formats.onnx_graph import canonical, store_weights_as
from hanji.export.formats.tflite import tensor_names
from hanji.export.formats.weights import should_quantize, symmetric_int8_channels

_KERNEL_AXES = {"Conv": 0, "MatMul": 1}  # the output-channel axis of a kernel; Gemm has an attribute for it


def uses_quantized_tflite(scheme: ImageScheme) -> bool:
    """Whether the ONNX file is converted from the scheme's TFLite file rather than the float32 one."""
    return PRECISIONS["onnx"][scheme] == "int8"


def convert_classifier_onnx(tflite: bytes, scheme: ImageScheme) -> bytes:
    """The ``.onnx`` file from a classifier's TFLite file, which ``uses_quantized_tflite`` selects.

    The input is ``image`` uint8 [1, h, w, c], the output ``probabilities`` float32 [1, classes]. Raises
    ConversionError if the result contains operations that ONNX does not support.
    """
    converted = from_tflite(tflite, scheme)
    precision = PRECISIONS["onnx"][scheme]
    if precision == "int8":
        simplify_qdq(converted.graph)
    elif precision == "int8-weights":
        _store_channels(converted.graph)
    elif precision == "float16":
        store_weights_as(converted.graph, precision)
    return checked(canonical(converted, tensor_names(tflite, CLASSIFY)), scheme)


def _store_channels(graph: onnx.GraphProto) -> None:
    """Store large kernels as int8 with per-channel scales, in place."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in list(graph.node):
        axis = _kernel_axis(node)
        tensor = weights.get(node.input[1]) if axis is not None else None
        if axis is None or tensor is None:
            continue
        values = numpy_helper.to_array(tensor)
        if not should_quantize(values):  # too small, or already stored for an earlier node
            continue
        quantized, scales = symmetric_int8_channels(values, axis)
        _store(graph, tensor, quantized, scales)


def _store(
    graph: onnx.GraphProto, tensor: Any, quantized: npt.NDArray[np.int8], scales: npt.NDArray[np.float32]
) -> None:
    name = tensor.name
    stored, whole, factor = f"{name}/stored", f"{name}/whole", f"{name}/scales"
    graph.initializer.append(numpy_helper.from_array(quantized, stored))
    graph.initializer.append(numpy_helper.from_array(scales, factor))
    graph.initializer.remove(tensor)
    graph.node.extend(
        [
            helper.make_node("Cast", [stored], [whole], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [whole, factor], [name]),
        ]
    )


def _kernel_axis(node: Any) -> int | None:
    if node.op_type == "Gemm":
        return 0 if any(entry.name == "transB" and entry.i for entry in node.attribute) else 1
    return _KERNEL_AXES.get(node.op_type)


__all__ = ["convert_classifier_onnx", "uses_quantized_tflite"]
