"""A classifier to ONNX: one file, made from the TFLite file so that both hold the same numbers.

int8, int8-qat   QDQ: the very 8-bit weights and activation ranges of the TFLite file
float16          weights in 16 bits, widened when ONNX Runtime opens the file
dynamic, int16x8 weights in 8 bits, a scale for each output channel, widened when the file is opened:
                 ONNX Runtime has no kernels for 16-bit activations, and none that round the inputs
                 of a convolution as they come
float32, sparse  as it is: ONNX Runtime has no sparse kernels, and zeros are stored like other numbers
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from hanji.compression.classifiers.steps import ImageScheme
from hanji.export.classifiers.formats.names import CLASSIFY
from hanji.export.classifiers.formats.onnx_qdq import tidied
from hanji.export.classifiers.precision import PRECISIONS
from hanji.export.formats.onnx import checked, from_tflite
from hanji.export.formats.onnx_graph import canonical, stored_as
from hanji.export.formats.tflite import tensor_names
from hanji.export.formats.weights import should_quantize, symmetric_int8_channels

_KERNEL_AXES = {"Conv": 0, "MatMul": 1}  # where the output channels lie in a kernel; Gemm says so itself


def from_integers(scheme: ImageScheme) -> bool:
    """Whether the ONNX file is made from the TFLite file of the scheme, not from the float32 one."""
    return PRECISIONS["onnx"][scheme] == "int8"


def convert_classifier_onnx(tflite: bytes, scheme: ImageScheme) -> bytes:
    """The ``.onnx`` file of a classifier's TFLite file: float32, or that of the scheme (``from_integers``).

    The input is ``image`` uint8 [1, h, w, c], the output ``probabilities`` float32 [1, classes]. Raises
    ConversionError where the conversion leaves something that ONNX does not know.
    """
    converted = from_tflite(tflite, scheme)
    precision = PRECISIONS["onnx"][scheme]
    if precision == "int8":
        tidied(converted.graph)
    elif precision == "int8-weights":
        _store_channels(converted.graph)
    elif precision == "float16":
        stored_as(converted.graph, precision)
    return checked(canonical(converted, tensor_names(tflite, CLASSIFY)), scheme)


def _store_channels(graph: onnx.GraphProto) -> None:
    """Store large kernels as 8-bit numbers with a scale for each output channel, in place."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in list(graph.node):
        axis = _kernel_axis(node)
        tensor = weights.get(node.input[1]) if axis is not None else None
        if axis is None or tensor is None:
            continue
        values = numpy_helper.to_array(tensor)
        if not should_quantize(values):  # too small, or stored for a node before this one
            continue
        numbers, scales = symmetric_int8_channels(values, axis)
        _store(graph, tensor, numbers, scales)


def _store(
    graph: onnx.GraphProto, tensor: Any, numbers: npt.NDArray[np.int8], scales: npt.NDArray[np.float32]
) -> None:
    name = tensor.name
    stored, whole, factor = f"{name}/stored", f"{name}/whole", f"{name}/scales"
    graph.initializer.append(numpy_helper.from_array(numbers, stored))
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


__all__ = ["convert_classifier_onnx", "from_integers"]
