"""Quantizes a float ``.onnx`` file with ``onnxruntime.quantization``; static schemes give QDQ nodes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx

from hanji.compression.classifiers.files.onnx_preparation import prepared
from hanji.compression.classifiers.files.onnx_weights import layers_with_weights, weights_quantized
from hanji.compression.classifiers.files.quantizer import Choice, Images
from hanji.compression.classifiers.steps import CALIBRATED
from hanji.runtime.engines.base import one_line
from hanji.runtime.engines.onnxruntime import ERRORS  # first, because it disables telemetry
from hanji.training.errors import ConversionError
from hanji.training.quiet import quiet

# isort: split
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16

_HEADS = ("Softmax", "Sigmoid", "LogSoftmax", "Reshape", "Flatten", "Squeeze")
_ACTIVATIONS = {"int8": QuantType.QUInt8, "int16x8": QuantType.QInt16}
REFUSALS: tuple[type[Exception], ...]
REFUSALS = (*ERRORS, TypeError, KeyError, AttributeError, onnx.checker.ValidationError)
"""What the libraries raise for a model that they do not support."""


class OnnxQuantizer:
    """Implements ``FileQuantizer``; ``calibration`` are inputs of the file [n × its shape].

    Raises ConversionError, naming ``where`` the file comes from, for a file that ONNX Runtime cannot optimize
    or that has no operator with float32 weights.
    """

    def __init__(self, content: bytes, where: str, calibration: Images) -> None:
        self._where = where
        self._calibration = calibration
        try:
            with quiet():
                self._model = prepared(content)
        except REFUSALS as error:
            raise ConversionError(f"{where}: ONNX Runtime cannot optimize it: {one_line(error)}") from error
        graph = self._model.graph
        self.layers = layers_with_weights(graph)
        self._head = _head(graph)
        if not self.layers:
            raise ConversionError(
                f"{where}: expected convolutions or dense layers with float32 weights to quantize, found none"
            )

    def quantized(self, choice: Choice) -> bytes:
        """See FileQuantizer."""
        try:
            if choice.scheme == "float16":
                return self._float16(choice)
            if choice.scheme == "int8-weights":
                return weights_quantized(self._model, self._quantized_layers(choice), choice.per_channel)
            return self._by_library(choice)
        except REFUSALS as error:
            refused = f"ONNX Runtime cannot quantize it to {choice.scheme}: {one_line(error)}"
            raise ConversionError(f"{self._where}: {refused}; try float16") from error

    def _quantized_layers(self, choice: Choice) -> list[str]:
        if choice.only:
            return [choice.only]
        return [layer for layer in self.layers if layer not in choice.float_layers]

    def _by_library(self, choice: Choice) -> bytes:
        with TemporaryDirectory() as directory, quiet():
            target = Path(directory) / "quantized.onnx"
            common = {
                "per_channel": choice.per_channel,
                "weight_type": QuantType.QInt8,
                "nodes_to_exclude": [*self._head, *choice.float_layers],
                "nodes_to_quantize": [choice.only] if choice.only else None,
            }
            if choice.scheme in CALIBRATED:
                ranges = Path(directory) / "ranges.json"
                ranges.write_text(self._ranges, encoding="utf-8")
                quantize_static(
                    self._copy(),
                    target,
                    activation_type=_ACTIVATIONS[choice.scheme],
                    calibration_cache_path=ranges,
                    **common,
                )
            else:
                quantize_dynamic(self._copy(), target, **common)
            return target.read_bytes()

    @cached_property
    def _ranges(self) -> str:
        """The ranges of all activations over the calibration images, as ONNX Runtime's JSON."""
        with TemporaryDirectory() as directory, quiet():
            target, ranges = Path(directory) / "quantized.onnx", Path(directory) / "ranges.json"
            reader = _Reader(self._model.graph.input[0].name, self._calibration)
            quantize_static(self._copy(), target, reader, calibration_cache_path=ranges)
            return ranges.read_text(encoding="utf-8")

    def _float16(self, choice: Choice) -> bytes:
        kept = [name for name in self.layers if name not in self._quantized_layers(choice)]
        model = convert_float_to_float16(
            self._copy(), keep_io_types=True, node_block_list=[*self._head, *kept]
        )
        return bytes(model.SerializeToString())

    def _copy(self) -> Any:
        """A copy, as the library changes the model that it is given."""
        copy = onnx.ModelProto()
        copy.CopyFrom(self._model)
        return copy


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, name: str, images: Images) -> None:
        self._feeds: Iterator[dict[str, Any]] = ({name: image} for image in images)

    def get_next(self) -> dict[str, Any] | None:
        """The next input, None after the last."""
        return next(self._feeds, None)


def _head(graph: Any) -> list[str]:
    """The operators that turn the last layer's outputs into probabilities, which stay in float32."""
    makers = {output: node for node in graph.node for output in node.output}
    node, names = makers.get(graph.output[0].name), []
    while node is not None and node.op_type in _HEADS:
        names.append(node.name)
        node = makers.get(node.input[0])
    return names


__all__ = ["REFUSALS", "OnnxQuantizer"]
