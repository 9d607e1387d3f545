"""Brings an ONNX model into the form that quantization needs, without changing what it computes.

Constants become initializers, the opset is one with scales per channel, ONNX Runtime infers shapes and fuses
what it can, batch normalization is folded into the convolution before it, and every operator has a name.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnx.version_converter
from onnx import numpy_helper

import hanji.runtime.engines.onnxruntime  # noqa: F401 - first, because it disables telemetry

# isort: split
from onnxruntime.quantization.shape_inference import quant_pre_process

OLDEST_OPSET = 13
"""The first opset in which DequantizeLinear has a scale for each channel."""

_CONSTANTS = 4  # scale, bias, mean and variance of a batch normalization


def prepared(content: bytes) -> Any:
    """The ModelProto of the file ``content``, prepared; the libraries' errors for one that they reject."""
    model = onnx.load_from_string(content)
    _constants_to_initializers(model.graph)
    model = _current(model)
    with TemporaryDirectory() as directory:
        given, made = Path(directory) / "given.onnx", Path(directory) / "made.onnx"
        onnx.save(model, given)
        quant_pre_process(given, made, skip_symbolic_shape=True)
        model = onnx.load(made)
    _constants_to_initializers(model.graph)
    _fold_batch_norms(model.graph)
    _drop_unused(model.graph)
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{index}"
    return model


def _constants_to_initializers(graph: Any) -> None:
    for node in [node for node in graph.node if node.op_type == "Constant"]:
        attribute = node.attribute[0]
        if attribute.name == "value":
            attribute.t.name = node.output[0]
            graph.initializer.append(attribute.t)
            graph.node.remove(node)


def _current(model: Any) -> Any:
    opset = next((found.version for found in model.opset_import if found.domain in ("", "ai.onnx")), 0)
    return model if opset >= OLDEST_OPSET else onnx.version_converter.convert_version(model, OLDEST_OPSET)


def _fold_batch_norms(graph: Any) -> None:
    """Fold each batch normalization that alone reads a convolution with constant weights into it.

    ONNX Runtime folds them too, but only those of opsets older than the current one.
    """
    constants = {each.name: each for each in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    readers: dict[str, int] = {each.name: 1 for each in graph.output}
    for node in graph.node:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
    for node in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        convolution = makers.get(node.input[0])
        if convolution is None or convolution.op_type != "Conv" or readers[node.input[0]] != 1:
            continue
        own = [*convolution.input[1:], *node.input[1:]]
        if all(name in constants for name in own):
            _fold(graph, convolution, node, [numpy_helper.to_array(constants[name]) for name in own])


def _fold(graph: Any, convolution: Any, norm: Any, values: list[Any]) -> None:
    """``values``: kernel, bias if there is one, and scale, bias, mean and variance of the normalization."""
    epsilon = next((each.f for each in norm.attribute if each.name == "epsilon"), 1e-5)
    scale, bias, mean, variance = (value.astype(np.float64) for value in values[-_CONSTANTS:])
    kernel = values[0]
    before = values[1].astype(np.float64) if len(values) > _CONSTANTS + 1 else np.zeros(len(kernel))
    factor = scale / np.sqrt(variance + epsilon)
    folded = kernel * factor.reshape(-1, *[1] * (kernel.ndim - 1))
    names = [f"{norm.output[0]}_kernel", f"{norm.output[0]}_bias"]
    for name, value in zip(names, (folded, (before - mean) * factor + bias), strict=True):
        graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
    del convolution.input[1:]
    convolution.input.extend(names)
    convolution.output[0] = norm.output[0]
    graph.node.remove(norm)


def _drop_unused(graph: Any) -> None:
    used = {name for node in graph.node for name in node.input} | {each.name for each in graph.output}
    for each in [each for each in graph.initializer if each.name not in used]:
        graph.initializer.remove(each)


__all__ = ["OLDEST_OPSET", "prepared"]
