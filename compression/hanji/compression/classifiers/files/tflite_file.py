"""An existing ``.tflite`` image classifier that hanji did not export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from hanji.compression.classifiers.files.original import Array
from hanji.compression.classifiers.signature_names import CLASSIFY
from hanji.runtime.engines.choice import interpreter_class
from hanji.runtime.manifest import Tensor
from hanji.training.errors import ConversionError

_TYPE = schema.TensorType
_INTEGERS = (_TYPE.INT8, _TYPE.UINT8)
_STORED = (_TYPE.FLOAT32, _TYPE.FLOAT16, *_INTEGERS, _TYPE.INT16)


class TfliteFile:
    """The model in ``content``; ConversionError if LiteRT rejects it."""

    format = "tflite"
    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, content: bytes) -> None:
        self.path, self.content = path, content
        try:
            self._interpreter = interpreter_class("litert")(model_content=content, num_threads=1)
            self._shape: tuple[int, ...] | None = None
            if not _has_any_size(self._interpreter):  # many networks cannot be prepared for the size 1 × 1
                self._interpreter.allocate_tensors()
                self._shape = tuple(self._interpreter.get_input_details()[0]["shape"])
        except (RuntimeError, ValueError) as error:
            raise _failed(path, "loads", error) from None
        self._runner = (
            self._interpreter.get_signature_runner(CLASSIFY)
            if CLASSIFY in self._interpreter.get_signature_list()
            else None
        )
        self._inputs, self._outputs = self._details()
        self.inputs = tuple(_tensor(name, entry) for name, entry in self._inputs.items())
        self.outputs = tuple(_tensor(name, entry) for name, entry in self._outputs.items())

    def run(self, value: Array) -> Mapping[str, Array]:
        """As in ``OriginalModel``."""
        ((name, entry),) = self._inputs.items()
        try:
            if self._runner is not None:
                outputs: dict[str, Array] = self._runner(**{name: value})
                return outputs
            index = entry["index"]
            if self._shape != value.shape:
                self._interpreter.resize_tensor_input(index, value.shape)
                self._interpreter.allocate_tensors()
                self._shape = value.shape
            self._interpreter.set_tensor(index, value)
            self._interpreter.invoke()
            found = {name: entry["index"] for name, entry in self._outputs.items()}
            return {name: self._interpreter.get_tensor(index) for name, index in found.items()}
        except (RuntimeError, ValueError) as error:
            raise _failed(self.path, f"runs for {list(value.shape)} {value.dtype}", error) from None

    def stored(self) -> tuple[str, int]:
        """As in ``OriginalModel``."""
        return _stored(self.content)

    def indices(self, source: str, result: str) -> tuple[int, int]:
        """The indices of an input and of an output in the subgraph that is run."""
        return self._inputs[source]["index"], self._outputs[result]["index"]

    def subgraph(self, model: Any) -> int:
        """The index of the subgraph of ``model``, the unpacked flatbuffer, that is run."""
        if self._runner is None:
            return 0
        signatures = {signature.signatureKey: signature for signature in model.signatureDefs}
        return int(signatures[CLASSIFY.encode()].subgraphIndex)

    def _details(self) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
        """The inputs and outputs of the signature ``classify``, or else those of the whole file, by name."""
        if self._runner is not None:
            return self._runner.get_input_details(), self._runner.get_output_details()
        sides = (self._interpreter.get_input_details(), self._interpreter.get_output_details())
        inputs, outputs = ({entry["name"]: entry for entry in side} for side in sides)
        return inputs, outputs


def _has_any_size(interpreter: Any) -> bool:
    """Whether an input has a dynamic dimension beside the batch."""
    return any((entry["shape_signature"][1:] < 0).any() for entry in interpreter.get_input_details())


def _failed(path: Path, what: str, error: Exception) -> ConversionError:
    return ConversionError(
        f"{path}: expected a model that LiteRT {what}, but it failed: {str(error).strip()}; convert it "
        "again with operators of LiteRT itself, none of TensorFlow's (Flex)"
    )


def _tensor(name: str, entry: dict[str, Any]) -> Tensor:
    scale, zero_point = entry["quantization"]
    sizes = entry.get("shape_signature")
    if sizes is None or len(sizes) != len(entry["shape"]):
        sizes = entry["shape"]
    shape = tuple(None if size < 0 else int(size) for size in sizes)
    dtype = np.dtype(entry["dtype"])
    known = "string" if dtype.kind in "SO" else dtype.name
    if known == "float32" or not scale:
        return Tensor(name, known, shape, scale=None, zero_point=None)
    return Tensor(name, known, shape, scale=float(scale), zero_point=int(zero_point))


def _stored(content: bytes) -> tuple[str, int]:
    """The precision of the file, and the number of stored parameters."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    constants = [
        tensor
        for graph in model.subgraphs
        for tensor in graph.tensors
        if tensor.type in _STORED and model.buffers[tensor.buffer].data is not None
    ]
    computed = {
        graph.tensors[index].type
        for graph in model.subgraphs
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


__all__ = ["TfliteFile"]
