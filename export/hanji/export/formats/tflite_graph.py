"""A ``.tflite`` file opened for editing: its constants and operators, and serialization.

The file is a flatbuffer, which TensorFlow's generated classes unpack into plain objects. This module adds
what those leave to the caller: operator codes, constants as arrays, and deduplicated buffers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers  # type: ignore[import-untyped]  # TensorFlow brings it along
import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

Array = npt.NDArray[Any]

_FILE_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # bytes; the format requires this alignment of buffer contents
_EMPTY = 0  # the index of the buffer of non-constant tensors
_DTYPES = {
    schema.TensorType.FLOAT32: np.dtype("<f4"),
    schema.TensorType.FLOAT16: np.dtype("<f2"),
    schema.TensorType.INT32: np.dtype("<i4"),
    schema.TensorType.INT8: np.dtype("i1"),
}
_TYPES = {dtype: tensor_type for tensor_type, dtype in _DTYPES.items()}
KIND_NAMES = {
    number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)
}
"""The schema's operator names, such as CONV_2D, by number."""

TYPE_NAMES = {
    number: name.lower() for name, number in vars(schema.TensorType).items() if isinstance(number, int)
}
"""The dtype names by number."""


class Graph:
    """One subgraph of an opened file; ``operators`` is in execution order."""

    def __init__(self, model: Any, subgraph: Any) -> None:
        self._model = model
        self._io_indices = {int(index) for index in [*subgraph.inputs, *subgraph.outputs]}
        self.tensors: list[Any] = subgraph.tensors
        self.operators: list[Any] = subgraph.operators

    def constants(self, dtype: npt.DTypeLike) -> dict[int, Array]:
        """The constants of one dtype, by tensor index."""
        wanted = _TYPES[np.dtype(dtype)]
        return {
            index: self._model.buffers[tensor.buffer].data.view(_DTYPES[wanted]).reshape(tensor.shape)
            for index, tensor in enumerate(self.tensors)
            if tensor.type == wanted and self._model.buffers[tensor.buffer].data is not None
        }

    def add_constant(self, values: Array) -> int:
        """Add a constant tensor and return its index."""
        tensor = schema.TensorT()
        tensor.shape, tensor.hasRank = list(values.shape), True
        self.tensors.append(tensor)
        self.store(tensor, _TYPES[values.dtype], values.tobytes())
        return len(self.tensors) - 1

    def store(self, tensor: Any, tensor_type: int, content: bytes) -> None:
        """Make ``tensor`` a constant of this type, with ``content`` as its data."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(content, np.uint8)
        self._model.buffers.append(buffer)
        tensor.type, tensor.buffer = tensor_type, len(self._model.buffers) - 1

    def add_variable(self, like: int, last: int | None = None, *, first: int | None = None) -> int:
        """Add a float32 tensor and return its index.

        It has the shape of the tensor ``like``, with the last dimension replaced by ``last`` and with
        ``first`` as an additional first dimension, if given.
        """
        tensor, model = schema.TensorT(), self.tensors[like]
        tensor.hasRank, tensor.buffer = True, _EMPTY
        tensor.shape, tensor.shapeSignature = _resized(model.shape, first, last), None
        if model.shapeSignature is not None:
            tensor.shapeSignature = _resized(model.shapeSignature, first, last)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def drop_inner_names(self) -> None:
        """Drop the tensor names except those of inputs and outputs; no engine needs them, they take 3 kB."""
        for index, tensor in enumerate(self.tensors):
            if index not in self._io_indices:
                tensor.name = None

    def make_variable(self, index: int) -> None:
        """Turn a constant into a tensor that an operator computes."""
        self.tensors[index].buffer = _EMPTY

    def kind(self, operator: Any) -> int:
        """The kind of the operator, a value of ``schema.BuiltinOperator``."""
        return _builtin(self._model.operatorCodes[operator.opcodeIndex])

    def set_code(self, operator: Any, builtin: int, version: int) -> None:
        """Set the kind and version of ``operator``."""
        codes = self._model.operatorCodes
        for index, code in enumerate(codes):
            if (_builtin(code), code.version) == (builtin, version):
                operator.opcodeIndex = index
                return
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), version
        codes.append(code)
        operator.opcodeIndex = len(codes) - 1

    def operator(
        self, builtin: int, inputs: Sequence[int], output: int, *, version: int = 1, options: Any = None
    ) -> Any:
        """A new operator, not yet added to ``operators``; ``options`` is a schema options object, or None."""
        operator = schema.OperatorT()
        operator.inputs, operator.outputs = list(inputs), [output]
        if options is not None:
            name = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            operator.builtinOptions = options
        self.set_code(operator, builtin, version)
        return operator


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]  # the schema has no types
    """A buffer with aligned content; the generated class aligns to the element size only."""

    def Pack(self, builder: Any) -> Any:  # noqa: N802 - the schema's own name
        if self.data is None:
            return super().Pack(builder)
        builder.StartVector(1, len(self.data), _ALIGNMENT)
        builder.head -= len(self.data)
        builder.Bytes[builder.head : builder.head + len(self.data)] = self.data.tobytes()
        content = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, content)
        return schema.BufferEnd(builder)


def opened(content: bytes) -> tuple[Any, list[Graph]]:
    """The file as a ``schema.ModelT``, and its subgraphs."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    return model, [Graph(model, subgraph) for subgraph in model.subgraphs]


def packed(model: Any, builder: Any = None) -> bytes:
    """Serialize with deduplicated buffers and no unused ones, with ``builder`` or a default one."""
    _share_buffers(model)
    _drop_unused_codes(model)
    if builder is None:
        size = sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None)
        builder = flatbuffers.Builder(size + 2**20)
    builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
    return bytes(builder.Output())


def _share_buffers(model: Any) -> None:
    kept: dict[bytes, int] = {b"": _EMPTY}
    buffers = [schema.BufferT()]
    users = [tensor for subgraph in model.subgraphs for tensor in subgraph.tensors]
    for user in [*users, *(model.metadata or [])]:
        data = model.buffers[user.buffer].data
        content = b"" if data is None else data.tobytes()
        if content not in kept:
            kept[content] = len(buffers)
            buffers.append(_AlignedBuffer(data=data))
        user.buffer = kept[content]
    model.buffers = buffers


def _drop_unused_codes(model: Any) -> None:
    operators = [operator for subgraph in model.subgraphs for operator in subgraph.operators]
    used = sorted({operator.opcodeIndex for operator in operators})
    for operator in operators:
        operator.opcodeIndex = used.index(operator.opcodeIndex)
    model.operatorCodes = [model.operatorCodes[index] for index in used]


def _builtin(code: Any) -> int:
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))  # older files hold only the second


def _resized(shape: Sequence[int], first: int | None, last: int | None) -> list[int]:
    sizes = [int(size) for size in shape]
    if last is not None:
        sizes = [*sizes[:-1], last]
    return sizes if first is None else [first, *sizes]


__all__ = ["KIND_NAMES", "TYPE_NAMES", "Graph", "opened", "packed"]
