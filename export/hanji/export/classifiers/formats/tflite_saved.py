"""Converts the SavedModel of a classifier to TFLite, in this process or, where it may crash, in one of its
own.

TensorFlow's calibrator ends the process with a segmentation fault for some networks, such as recurrent ones,
and its converter for others. Networks of ``build_classifier`` are known to convert; any other is converted in
a child process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.lite.python import convert as tflite_convert
from tensorflow.lite.python import schema_py_generated as schema

from hanji.compression.classifiers.signature_names import CLASSIFY, IMAGE
from hanji.compression.classifiers.steps import CALIBRATED, ImageScheme
from hanji.export.classifiers.formats.tflite_layers import names_of_layers, names_outside_network, operators
from hanji.export.formats.quiet import quiet_stderr
from hanji.export.formats.tflite import conversion_errors, converter_of_saved
from hanji.export.formats.tflite_graph import Graph, opened, packed
from hanji.training.child import call_in_child
from hanji.training.errors import ConversionError

Images = npt.NDArray[np.uint8]
_CALIBRATION = "calibration"
_LAYERS = "convolution, Dense, pooling, Add, Concatenate and ReLU"
_Op = schema.BuiltinOperator
_WITH_BIAS = (_Op.CONV_2D, _Op.DEPTHWISE_CONV_2D, _Op.FULLY_CONNECTED)


@dataclass(frozen=True)
class SavedNetwork:
    """A SavedModel with the signature ``classify``, and the names of its network's layers."""

    directory: str
    layers: tuple[str, ...]
    may_crash: bool
    """Whether to convert it in a child process."""

    def converted(
        self,
        scheme: ImageScheme,
        calibration: Images | None = None,
        *,
        float_layers: Sequence[str] = (),
        sparse: bool = False,
    ) -> bytes:
        """The ``.tflite`` file; see ``named_classifier_tflite``."""
        return self._run(scheme, calibration, float_layers, sparse)

    def calibrated(self, calibration: Images | None) -> bytes:
        """The float32 file with the calibrated range of every tensor, from which integer files are made.

        Raises ConversionError without calibration images.
        """
        return self._run(_CALIBRATION, calibration, (), False)

    def _run(
        self, scheme: str, calibration: Images | None, float_layers: Sequence[str], sparse: bool
    ) -> bytes:
        request = Request(self.directory, self.layers, scheme, tuple(float_layers), sparse)
        if not self.may_crash:
            return _converted(request, calibration)
        with tempfile.TemporaryDirectory(prefix="hanji-export-") as directory:
            images, target = Path(directory, "images.npy"), Path(directory, "model.tflite")
            np.save(images, np.zeros((0, 1, 1, 1), np.uint8) if calibration is None else calibration)
            call_in_child(
                f"{__name__}:convert_to_file",
                {**asdict(request), "images": str(images), "target": str(target)},
                what=f"TFLite ({scheme}): TensorFlow's converter",
                hint=_hint(scheme),
            )
            return target.read_bytes()


@dataclass(frozen=True)
class Request:
    """What to make of a SavedModel; ``scheme`` may also be "calibration"."""

    directory: str
    layers: Sequence[str]
    scheme: str
    float_layers: Sequence[str]
    sparse: bool


def convert_to_file(images: str, target: str, **request: Any) -> None:
    """Write the converted file to ``target``; called in the child process."""
    Path(target).write_bytes(_converted(Request(**request), np.load(images)))


def _converted(request: Request, calibration: Images | None) -> bytes:
    scheme = request.scheme
    if scheme == _CALIBRATION:
        return _calibrated_file(request.directory, calibration)
    if scheme in CALIBRATED:
        calibrated = _calibrated_file(request.directory, calibration)
        return quantized_file(calibrated, request.layers, scheme, float_layers=request.float_layers)
    with (
        converter_of_saved(request.directory, [CLASSIFY]) as converter,
        conversion_errors(scheme, _LAYERS),
    ):
        converter.optimizations = _optimizations(scheme, request.sparse)
        if scheme == "float16":
            converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())


def _hint(scheme: str) -> str:
    """What to try for a network that the converter crashes on."""
    if scheme in (_CALIBRATION, *CALIBRATED):
        return (
            "use the scheme float16, which needs no calibration, or build recurrent layers with unroll=True"
        )
    return (
        "use the scheme float32, or replace the layers that are not convolution, Dense, pooling or activation"
    )


def _optimizations(scheme: str, sparse: bool) -> list[Any]:
    if scheme == "float32":
        return [tf.lite.Optimize.EXPERIMENTAL_SPARSITY] if sparse else []
    return [tf.lite.Optimize.DEFAULT]


def _calibrated_file(directory: str, calibration: Images | None) -> bytes:
    if calibration is None or not len(calibration):
        raise ConversionError(
            "TFLite: expected calibration images for the activation ranges, found none; compress the model "
            "with calibration_images of at least 1"
        )

    def samples() -> Iterator[tuple[str, dict[str, Images]]]:
        for image in calibration:
            yield CLASSIFY, {IMAGE: image[None]}

    with converter_of_saved(directory, [CLASSIFY]) as converter, conversion_errors(_CALIBRATION, _LAYERS):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter._experimental_calibrate_only = True
        return bytes(converter.convert())


def quantized_file(
    calibrated: bytes, layers: Sequence[str], scheme: str, *, float_layers: Sequence[str] = ()
) -> bytes:
    """Quantize a calibrated file of a network with these layers.

    Raises ConversionError for a name in ``float_layers`` that is not a layer of the network.
    """
    found = operators(calibrated, layers)
    kept = [*names_outside_network(found), *names_of_layers(found, float_layers)]
    return quantized_except(calibrated, kept, scheme)


def quantized_except(calibrated: bytes, names: Sequence[str], scheme: str) -> bytes:
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


__all__ = ["SavedNetwork", "convert_to_file", "quantized_except", "quantized_file"]
