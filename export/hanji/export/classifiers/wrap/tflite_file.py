"""Reads an existing ``.tflite`` image classifier that hanji did not export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from hanji.export.classifiers.formats.names import CLASSIFY
from hanji.export.classifiers.wrap.model_file import ModelFile, expect_classifier
from hanji.export.formats.tflite_graph import opened
from hanji.export.formats.tflite_runtime import tflite_engines
from hanji.runtime.engines.choice import interpreter_class
from hanji.runtime.manifest import Tensor
from hanji.training.errors import ConversionError

_TYPE = schema.TensorType
_INTEGERS = (_TYPE.INT8, _TYPE.UINT8)
_STORED = (_TYPE.FLOAT32, _TYPE.FLOAT16, *_INTEGERS, _TYPE.INT16)


def read_tflite(path: Path, content: bytes) -> ModelFile:
    """The model in ``content``; ConversionError if LiteRT rejects it or it is not an image classifier."""
    try:
        interpreter = interpreter_class("litert")(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise ConversionError(f"{path}: expected a model that LiteRT loads, but it failed: {error}") from None
    image_input, classes = expect_classifier(path, *_inputs_and_outputs(interpreter))
    if None in image_input.shape[1:]:
        raise ConversionError(
            f"{path}: expected a model with a fixed input size, found a dynamic one; convert it again with a "
            "fixed height and width"
        )
    precision, parameters = _stored(content)
    return ModelFile(
        path=path,
        format="tflite",
        content=content,
        input=image_input,
        output=classes,
        precision=precision,
        parameters=parameters,
        engines=tflite_engines(content),
    )


def _inputs_and_outputs(interpreter: Any) -> tuple[list[Tensor], list[Tensor]]:
    """The inputs and outputs of the signature ``classify``, or else those of the whole file."""
    if CLASSIFY in interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(CLASSIFY)
        sides = (runner.get_input_details(), runner.get_output_details())
        inputs, outputs = ([_tensor(name, entry) for name, entry in side.items()] for side in sides)
        return inputs, outputs
    sides = (interpreter.get_input_details(), interpreter.get_output_details())
    inputs, outputs = ([_tensor(entry["name"], entry) for entry in side] for side in sides)
    return inputs, outputs


def _tensor(name: str, entry: dict[str, Any]) -> Tensor:
    scale, zero_point = entry["quantization"]
    sizes = entry.get("shape_signature")
    shape = tuple(None if size < 0 else int(size) for size in (entry["shape"] if sizes is None else sizes))
    dtype = np.dtype(entry["dtype"]).name
    if dtype == "float32" or not scale:
        return Tensor(name, dtype, shape, scale=None, zero_point=None)
    return Tensor(name, dtype, shape, scale=float(scale), zero_point=int(zero_point))


def _stored(content: bytes) -> tuple[str, int]:
    """The precision of the file, and the number of stored parameters."""
    model, graphs = opened(content)
    constants = [
        tensor
        for graph in graphs
        for tensor in graph.tensors
        if tensor.type in _STORED and model.buffers[tensor.buffer].data is not None
    ]
    computed = {
        graph.tensors[index].type
        for graph in graphs
        for operator in graph.operators
        for index in operator.outputs
    }
    sizes = [int(np.prod(tensor.shape)) for tensor in constants]
    types = {tensor.type for tensor, size in zip(constants, sizes, strict=True) if size > 1}
    return _precision(types, computed), max(1, sum(sizes))


def _precision(stored: set[int], computed: set[int]) -> str:
    if stored & set(_INTEGERS):
        if _TYPE.INT16 in computed:
            return "int16x8"
        return "int8" if computed & set(_INTEGERS) else "dynamic"
    return "float16" if _TYPE.FLOAT16 in stored else "float32"


__all__ = ["read_tflite"]
