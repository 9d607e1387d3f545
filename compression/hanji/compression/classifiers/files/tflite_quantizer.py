"""Quantizes a float ``.tflite`` file with ai-edge-quantizer; its inputs and outputs stay float32."""

from __future__ import annotations

import re
import warnings
from functools import cached_property
from typing import Any

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from ai_edge_quantizer import quantizer as library
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.calibrator import Calibrator
from ai_edge_quantizer.qtyping import (
    ComputePrecision,
    OpQuantizationConfig,
    QuantGranularity,
    TensorDataType,
    TensorQuantizationConfig,
    TFLOperationName,
)
from ai_edge_quantizer.recipe_manager import RecipeManager
from ai_edge_quantizer.utils.qsv_utils import min_max_update

from hanji.compression.classifiers.files.quantizer import Choice, Images
from hanji.compression.classifiers.signature_names import CLASSIFY
from hanji.compression.classifiers.steps import CALIBRATED
from hanji.runtime.engines.base import one_line
from hanji.training.errors import ConversionError
from hanji.training.quiet import quiet

_EVERYTHING = TFLOperationName.ALL_SUPPORTED
_PRODUCT = TFLOperationName.BATCH_MATMUL
"""LiteRT computes zeros for a constant factor with a scale for each channel."""
_WEIGHTED = {
    "CONV_2D": TFLOperationName.CONV_2D,
    "DEPTHWISE_CONV_2D": TFLOperationName.DEPTHWISE_CONV_2D,
    "FULLY_CONNECTED": TFLOperationName.FULLY_CONNECTED,
    "TRANSPOSE_CONV": TFLOperationName.CONV_2D_TRANSPOSE,
}
_HEADS = ("SOFTMAX", "LOGISTIC", "LOG_SOFTMAX", "RESHAPE", "SQUEEZE")
_HALF = OpQuantizationConfig(
    weight_tensor_config=TensorQuantizationConfig(num_bits=16, dtype=TensorDataType.FLOAT),
    compute_precision=ComputePrecision.FLOAT,
    explicit_dequantize=True,
)


class TfliteQuantizer:
    """Implements ``FileQuantizer``; ``calibration`` are inputs of the file [n × its shape].

    Raises ConversionError, naming ``where`` the file comes from, for a file without operators with float32
    weights. ai-edge-quantizer names an operator by its outputs, and so do ``layers``.
    """

    def __init__(self, content: bytes, where: str, calibration: Images) -> None:
        self._where = where
        self._calibration = calibration
        model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        _name_tensors(model)
        signature = _signature_of(model)
        self._input = signature.inputs[0].name.decode()
        self._content = bytearray(flatbuffer_utils.convert_object_to_bytearray(model))
        graph = model.subgraphs[signature.subgraphIndex]
        kinds = [flatbuffer_utils.opcode_to_name(model, each.opcodeIndex) for each in graph.operators]
        self._names = [_name_of(graph, operator) for operator in graph.operators]
        self.layers = tuple(
            name
            for name, kind, operator in zip(self._names, kinds, graph.operators, strict=True)
            if kind in _WEIGHTED and _has_float_kernel(model, graph, operator, kind)
        )
        self._in_float = (*_head(graph, kinds, self._names), *_padded(graph, kinds, self._names))
        if not self.layers:
            raise ConversionError(
                f"{where}: expected convolutions or dense layers with float32 weights to quantize, found none"
            )

    def quantized(self, choice: Choice) -> bytes:
        """See FileQuantizer."""
        made = self._configured(choice)
        try:
            with quiet(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it keeps all tensors of one image in memory
                ranges = self._ranges if choice.scheme in CALIBRATED else None
                result = made.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
        except (RuntimeError, ValueError, KeyError, TypeError, NotImplementedError) as error:
            refused = f"ai-edge-quantizer cannot quantize it to {choice.scheme}: {one_line(error)}"
            raise ConversionError(f"{self._where}: {refused}; try float16") from error
        # From 256 KiB of weights on, the library puts them after the flatbuffer, where neither old engines
        # nor our own rewriting look for them.
        model = flatbuffer_utils.read_model_from_bytearray(bytearray(result.quantized_model))
        return bytes(flatbuffer_utils.convert_object_to_bytearray(model))

    @cached_property
    def _ranges(self) -> Any:
        """The ranges of all activations over the calibration images.

        The library's own default is a moving average over the images, which clips what few of them reach.
        """
        recipe = RecipeManager()
        recipe.load_quantization_recipe(self._configured(Choice("int8")).get_quantization_recipe())
        calibrator = Calibrator(self._content, num_threads=1, qsv_update_func=min_max_update)
        calibrator.calibrate({CLASSIFY: [{self._input: image} for image in self._calibration]}, recipe)
        return calibrator.get_model_qsvs()

    def _configured(self, choice: Choice) -> Any:
        made = library.Quantizer(self._content)
        granularity = QuantGranularity.CHANNELWISE if choice.per_channel else QuantGranularity.TENSORWISE
        pattern = _exactly(choice.only) if choice.only else ".*"
        if choice.scheme in CALIBRATED:
            bits = 8 if choice.scheme == "int8" else 16
            made.add_static_config(pattern, _EVERYTHING, bits, 8, granularity)
            made.add_static_config(pattern, _PRODUCT, bits, 8, QuantGranularity.TENSORWISE)
        elif choice.scheme == "dynamic":
            made.add_dynamic_config(pattern, _EVERYTHING, 8, granularity)
        elif choice.scheme == "int8-weights":
            made.add_weight_only_config(pattern, _EVERYTHING, 8, granularity)
        else:
            for kind in _WEIGHTED.values():
                made.update_quantization_recipe(pattern, kind, _HALF, AlgorithmName.FLOAT_CASTING)
        for name in (*self._in_float, *choice.float_layers):
            _keep_float(made, _exactly(name), _EVERYTHING)
        for end in (TFLOperationName.INPUT, TFLOperationName.OUTPUT):
            _keep_float(made, ".*", end)
        return made


def _keep_float(made: Any, pattern: str, operation: TFLOperationName) -> None:
    made.update_quantization_recipe(pattern, operation, algorithm_key=AlgorithmName.NO_QUANTIZE)


def _exactly(name: str) -> str:
    return f"^{re.escape(name)};$"


def _name_of(graph: Any, operator: Any) -> str:
    return ";".join(graph.tensors[index].name.decode() for index in operator.outputs)


def _has_float_kernel(model: Any, graph: Any, operator: Any, kind: str) -> bool:
    """Whether the second input, which all of these operators have, is a float32 constant."""
    tensor = graph.tensors[operator.inputs[1]]
    return tensor.type == schema.TensorType.FLOAT32 and model.buffers[tensor.buffer].data is not None


def _head(graph: Any, kinds: list[str], names: list[str]) -> list[str]:
    """The operators that turn the last layer's outputs into probabilities, which stay in float32."""
    makers = {output: index for index, each in enumerate(graph.operators) for output in each.outputs}
    index, found = makers.get(graph.outputs[0]), []
    while index is not None and kinds[index] in _HEADS:
        found.append(names[index])
        index = makers.get(graph.operators[index].inputs[0])
    return found


def _padded(graph: Any, kinds: list[str], names: list[str]) -> list[str]:
    """The operators that pad with a value other than 0, and those that read the result.

    The value may be that of a maximum pooling, the lowest number, which leaves no scale for the others.
    """
    made = {
        output
        for each, kind in zip(graph.operators, kinds, strict=True)
        if kind == "PADV2"
        for output in each.outputs
    }
    return [
        name
        for each, kind, name in zip(graph.operators, kinds, names, strict=True)
        if kind == "PADV2" or made.intersection(each.inputs)
    ]


def _name_tensors(model: Any) -> None:
    """Name the tensors without a name, as inside files that hanji exports: the library goes by names."""
    for graph in model.subgraphs:
        for index, tensor in enumerate(graph.tensors):
            tensor.name = tensor.name or f"tensor_{index}".encode()


def _signature_of(model: Any) -> Any:
    """The signature ``classify``, by which the library feeds the model.

    A file without it gets one with the names of the tensors, so that its inputs and outputs keep their names.
    """
    for signature in model.signatureDefs or []:
        if signature.signatureKey == CLASSIFY.encode():
            return signature
    graph, signature = model.subgraphs[0], schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = CLASSIFY.encode(), 0
    signature.inputs, signature.outputs = (
        [_named(graph.tensors[index].name, index) for index in indices]
        for indices in (graph.inputs, graph.outputs)
    )
    model.signatureDefs = [signature]
    return signature


def _named(name: bytes, index: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry


__all__ = ["TfliteQuantizer"]
