"""A classifier to TFLite: one file with the signature ``classify``.

The image stays uint8 and the probabilities float32 under every scheme, and so do the few operators around
the network: what is stored and computed in fewer bits is the network alone.

    float32   as it is; with ``sparse``, weights that are mostly zero as sparse tensors
    float16   weights in 16 bits, which LiteRT widens when it opens the file
    dynamic   large weights in 8 bits, a scale for each output channel
    int8      weights, a scale for each output channel, and activations, by the ranges of calibration pictures
    int8-qat  the same by the ranges of the network's own FakeQuant operations
    int16x8   as int8 with activations in 16 bits
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.lite.python import convert as tflite_convert
from tensorflow.lite.python import schema_py_generated as schema

from hanji.compression.classifiers.steps import ImageScheme
from hanji.export.classifiers.formats.names import CLASSIFY, IMAGE
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tflite_float import held_in_float, without_marks
from hanji.export.classifiers.formats.tflite_layers import names_around, names_of_layers, operators
from hanji.export.formats.compact import compacted
from hanji.export.formats.quiet import hushed
from hanji.export.formats.tflite import conversion_errors, converter_of
from hanji.export.formats.tflite_graph import Graph, opened, packed
from hanji.training.errors import ConversionError

Images = npt.NDArray[np.uint8]
CALIBRATED: tuple[ImageScheme, ...] = ("int8", "int16x8")
"""The schemes that take their ranges from calibration pictures."""

_LAYERS = "convolution, Dense, pooling, Add, Concatenate and ReLU"
_Op = schema.BuiltinOperator
_WITH_BIAS = (_Op.CONV_2D, _Op.DEPTHWISE_CONV_2D, _Op.FULLY_CONNECTED)


def convert_classifier_tflite(
    network: ClassifySignature,
    scheme: ImageScheme,
    *,
    calibration: Images | None = None,
    float_layers: Sequence[str] = (),
    sparse: bool = False,
) -> bytes:
    """The ``.tflite`` file of ``network`` under ``scheme``, without what no engine reads (see compact.py).

    ``calibration`` are the pictures uint8 [n, h, w, c] of a scheme in ``CALIBRATED``; ``float_layers`` are
    layers that an integer scheme leaves in floats. Raises ConversionError where TensorFlow's converter
    refuses the network.
    """
    return compacted(
        named_classifier_tflite(
            network, scheme, calibration=calibration, float_layers=float_layers, sparse=sparse
        )
    )


def named_classifier_tflite(
    network: ClassifySignature,
    scheme: ImageScheme,
    *,
    calibration: Images | None = None,
    float_layers: Sequence[str] = (),
    sparse: bool = False,
) -> bytes:
    """The same file as the converter wrote it: its tensors have the names by which other tools read it."""
    if scheme in CALIBRATED:
        calibrated = calibrated_file(network, calibration)
        return quantized_file(calibrated, network, scheme, float_layers=float_layers)
    with (
        held_in_float(network.model, float_layers),
        converter_of(network, [CLASSIFY]) as converter,
        conversion_errors(scheme, _LAYERS),
    ):
        converter.optimizations = _optimizations(scheme, sparse)
        if scheme == "float16":
            converter.target_spec.supported_types = [tf.float16]
        content = bytes(converter.convert())
    return without_marks(content) if float_layers else content


def _optimizations(scheme: ImageScheme, sparse: bool) -> list[Any]:
    if scheme == "float32":
        return [tf.lite.Optimize.EXPERIMENTAL_SPARSITY] if sparse else []
    return [tf.lite.Optimize.DEFAULT]


def calibrated_file(network: ClassifySignature, calibration: Images | None) -> bytes:
    """The float32 file with the range of every tensor noted in it, from which integer files are made.

    Raises ConversionError without pictures.
    """
    if calibration is None or not len(calibration):
        raise ConversionError(
            "TFLite: expected calibration pictures for the ranges of the activations, found none; compress "
            "the model with calibration_images of at least 1"
        )

    def samples() -> Iterator[tuple[str, dict[str, Images]]]:
        for image in calibration:
            yield CLASSIFY, {IMAGE: image[None]}

    with converter_of(network, [CLASSIFY]) as converter, conversion_errors("calibration", _LAYERS):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter._experimental_calibrate_only = True
        return bytes(converter.convert())


def quantized_file(
    calibrated: bytes,
    network: ClassifySignature,
    scheme: ImageScheme,
    *,
    float_layers: Sequence[str] = (),
) -> bytes:
    """The file in whole numbers of what ``calibrated_file`` gave.

    Raises ConversionError for a name in ``float_layers`` that is no layer of the network.
    """
    found = operators(calibrated, [layer.name for layer in network.model.layers])
    left = [*names_around(found), *names_of_layers(found, float_layers)]
    return quantized_but_for(calibrated, left, scheme)


def quantized_but_for(calibrated: bytes, names: Sequence[str], scheme: ImageScheme) -> bytes:
    """The file in whole numbers, but for the operators whose outputs have these names."""
    types = tflite_convert._types_pb2
    inference_type = types.QUANTIZED_INT16 if scheme == "int16x8" else types.QUANTIZED_INT8
    with hushed(), conversion_errors(scheme, _LAYERS):
        content = tflite_convert.mlir_quantize(
            calibrated, inference_type=inference_type, denylisted_nodes=list(names)
        )
    return _for_int16_kernels(content) if scheme == "int16x8" else bytes(content)


def _for_int16_kernels(content: bytes) -> bytes:
    """What LiteRT's 16-bit kernels ask for beside what it has: biases in 64 bits, zero points of 0.

    A zero point of the converter's is 0 or -1, so that moving it shifts a tensor by a 65536th of its range.
    """
    model, graphs = opened(bytes(content))
    for graph in graphs:
        short = [tensor for tensor in graph.tensors if tensor.type == schema.TensorType.INT16]
        for tensor in short:
            tensor.quantization.zeroPoint = np.zeros_like(tensor.quantization.zeroPoint)
        for operator in graph.operators:
            if graph.kind(operator) in _WITH_BIAS and graph.tensors[operator.inputs[0]] in short:
                _widen_bias(graph, operator)
    return packed(model)


def _widen_bias(graph: Graph, operator: Any) -> None:
    if len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return
    bias = int(operator.inputs[2])
    values = graph.constants(np.int32).get(bias)
    if values is not None:  # None: it was widened for another operator that shares it
        graph.store(graph.tensors[bias], schema.TensorType.INT64, values.astype("<i8").tobytes())


__all__ = [
    "CALIBRATED",
    "calibrated_file",
    "convert_classifier_tflite",
    "named_classifier_tflite",
    "quantized_but_for",
    "quantized_file",
]
