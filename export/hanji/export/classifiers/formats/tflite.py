"""Converts a classifier to TFLite: one file with the signature ``classify``.

Under every scheme the image is uint8, the probabilities are float32, and pre- and postprocessing compute in
float32: only the network itself is quantized.

    float32   no quantization; with ``sparse``, mostly-zero weights are stored as sparse tensors
    float16   float16 weights, which LiteRT converts to float32 when it loads the file
    dynamic   large weights in int8 with per-channel scales
    int8      weights in int8 with per-channel scales, activations in int8 with ranges from calibration images
    int8-qat  as int8, with the ranges of the network's FakeQuant operations
    int16x8   as int8, with int16 activations
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.lite.python import convert as tflite_convert
from tensorflow.lite.python import schema_py_generated as schema

from hanji.compression.classifiers.signature_names import CLASSIFY, IMAGE
from hanji.compression.classifiers.steps import ImageScheme
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tflite_float import keep_in_float, remove_markers
from hanji.export.classifiers.formats.tflite_layers import names_of_layers, names_outside_network, operators
from hanji.export.formats.compact import compacted
from hanji.export.formats.quiet import quiet_stderr
from hanji.export.formats.tflite import conversion_errors, converter_of
from hanji.export.formats.tflite_graph import Graph, opened, packed
from hanji.training.errors import ConversionError

Images = npt.NDArray[np.uint8]
CALIBRATED: tuple[ImageScheme, ...] = ("int8", "int16x8")
"""The schemes whose activation ranges come from calibration images."""

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
    """The ``.tflite`` file of ``network`` under ``scheme``, compacted (see compact.py).

    ``calibration`` are images uint8 [n, h, w, c] for a scheme in ``CALIBRATED``; ``float_layers`` are layers
    that an integer scheme keeps in float32. Raises ConversionError if TensorFlow's converter rejects the
    network.
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
    """The same file before compaction: its tensors still have the names that other tools rely on."""
    if scheme in CALIBRATED:
        calibrated = calibrated_file(network, calibration)
        return quantized_file(calibrated, network, scheme, float_layers=float_layers)
    with (
        keep_in_float(network.model, float_layers),
        converter_of(network, [CLASSIFY]) as converter,
        conversion_errors(scheme, _LAYERS),
    ):
        converter.optimizations = _optimizations(scheme, sparse)
        if scheme == "float16":
            converter.target_spec.supported_types = [tf.float16]
        content = bytes(converter.convert())
    return remove_markers(content) if float_layers else content


def _optimizations(scheme: ImageScheme, sparse: bool) -> list[Any]:
    if scheme == "float32":
        return [tf.lite.Optimize.EXPERIMENTAL_SPARSITY] if sparse else []
    return [tf.lite.Optimize.DEFAULT]


def calibrated_file(network: ClassifySignature, calibration: Images | None) -> bytes:
    """The float32 file with the calibrated range of every tensor, from which integer files are made.

    Raises ConversionError without calibration images.
    """
    if calibration is None or not len(calibration):
        raise ConversionError(
            "TFLite: expected calibration images for the activation ranges, found none; compress the model "
            "with calibration_images of at least 1"
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
    """Quantize a file from ``calibrated_file``.

    Raises ConversionError for a name in ``float_layers`` that is not a layer of the network.
    """
    found = operators(calibrated, [layer.name for layer in network.model.layers])
    kept = [*names_outside_network(found), *names_of_layers(found, float_layers)]
    return quantized_except(calibrated, kept, scheme)


def quantized_except(calibrated: bytes, names: Sequence[str], scheme: ImageScheme) -> bytes:
    """Quantize a calibrated file, except for the operators whose outputs have these names."""
    types = tflite_convert._types_pb2
    inference_type = types.QUANTIZED_INT16 if scheme == "int16x8" else types.QUANTIZED_INT8
    with quiet_stderr(), conversion_errors(scheme, _LAYERS):
        content = tflite_convert.mlir_quantize(
            calibrated, inference_type=inference_type, denylisted_nodes=list(names)
        )
    return _for_int16_kernels(content) if scheme == "int16x8" else bytes(content)


def _for_int16_kernels(content: bytes) -> bytes:
    """Adapt a file to the requirements of LiteRT's int16 kernels: int64 biases and zero points of 0.

    The converter's zero points are 0 or -1, so this shifts a tensor by at most 1/65536 of its range.
    """
    model, graphs = opened(bytes(content))
    for graph in graphs:
        int16_tensors = [tensor for tensor in graph.tensors if tensor.type == schema.TensorType.INT16]
        for tensor in int16_tensors:
            tensor.quantization.zeroPoint = np.zeros_like(tensor.quantization.zeroPoint)
        for operator in graph.operators:
            if graph.kind(operator) in _WITH_BIAS and graph.tensors[operator.inputs[0]] in int16_tensors:
                _widen_bias(graph, operator)
    return packed(model)


def _widen_bias(graph: Graph, operator: Any) -> None:
    if len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return
    bias = int(operator.inputs[2])
    values = graph.constants(np.int32).get(bias)
    if values is not None:  # None: already widened for another operator that shares it
        graph.store(graph.tensors[bias], schema.TensorType.INT64, values.astype("<i8").tobytes())


__all__ = [
    "CALIBRATED",
    "calibrated_file",
    "convert_classifier_tflite",
    "named_classifier_tflite",
    "quantized_except",
    "quantized_file",
]
