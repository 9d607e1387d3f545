"""A ``.tflite`` file opened for edits: its constants and operators, and how it is written again.

The file is a flatbuffer. TensorFlow's generated classes hold one as plain objects; what is added here is
what they leave to whoever uses them: operator codes by name, constants as arrays, each content once.
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
_ALIGNMENT = 16  # bytes; what the format asks of a buffer's content
_EMPTY = 0  # the buffer of tensors that are no constants
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
"""What an operator does in the schema's words, such as CONV_2D, by its number."""

TYPE_NAMES = {
    number: name.lower() for name, number in vars(schema.TensorType).items() if isinstance(number, int)
}
"""The dtype of a tensor by its number."""


class Graph:
    """One subgraph of an opened file; its operators run in the order of ``operators``."""

    def __init__(self, model: Any, subgraph: Any) -> None:
        self._model = model
        self._ends = {int(index) for index in [*subgraph.inputs, *subgraph.outputs]}
        self.tensors: list[Any] = subgraph.tensors
        self.operators: list[Any] = subgraph.operators

    def constants(self, dtype: npt.DTypeLike) -> dict[int, Array]:
        """The constants of one type, by the index of their tensor."""
        wanted = _TYPES[np.dtype(dtype)]
        return {
            index: self._model.buffers[tensor.buffer].data.view(_DTYPES[wanted]).reshape(tensor.shape)
            for index, tensor in enumerate(self.tensors)
            if tensor.type == wanted and self._model.buffers[tensor.buffer].data is not None
        }

    def add_constant(self, values: Array) -> int:
        """The index of a new constant tensor."""
        tensor = schema.TensorT()
        tensor.shape, tensor.hasRank = list(values.shape), True
        self.tensors.append(tensor)
        self.store(tensor, _TYPES[values.dtype], values.tobytes())
        return len(self.tensors) - 1

    def store(self, tensor: Any, tensor_type: int, content: bytes) -> None:
        """Make ``tensor`` a constant of this type and content."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(content, np.uint8)
        self._model.buffers.append(buffer)
        tensor.type, tensor.buffer = tensor_type, len(self._model.buffers) - 1

    def add_variable(self, like: int, last: int | None = None) -> int:
        """The index of a new float32 tensor in the shape of ``like``, but for its last size if given."""
        tensor, model = schema.TensorT(), self.tensors[like]
        tensor.hasRank, tensor.buffer = True, _EMPTY
        tensor.shape, tensor.shapeSignature = _with_last(model.shape, last), None
        if model.shapeSignature is not None:
            tensor.shapeSignature = _with_last(model.shapeSignature, last)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def drop_inner_names(self) -> None:
        """Leave only inputs and outputs a name; the others' are of use to nobody and take 3 kB."""
        for index, tensor in enumerate(self.tensors):
            if index not in self._ends:
                tensor.name = None

    def computed(self, index: int) -> None:
        """Make a constant a tensor that an operator computes."""
        self.tensors[index].buffer = _EMPTY

    def kind(self, operator: Any) -> int:
        """What the operator does, one of ``schema.BuiltinOperator``."""
        return _builtin(self._model.operatorCodes[operator.opcodeIndex])

    def set_code(self, operator: Any, builtin: int, version: int) -> None:
        """Make ``operator`` do something else, in this version of what the operator may be asked for."""
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
        """A new operator, not yet in the list; ``options`` is one of the schema's, or None."""
        operator = schema.OperatorT()
        operator.inputs, operator.outputs = list(inputs), [output]
        if options is not None:
            name = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            operator.builtinOptions = options
        self.set_code(operator, builtin, version)
        return operator


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]  # the schema has no types
    """The generated class aligns content to its elements' size only."""

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
    """The file as the schema's ModelT, and its subgraphs."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    return model, [Graph(model, subgraph) for subgraph in model.subgraphs]


def packed(model: Any, builder: Any = None) -> bytes:
    """The file's bytes, every content once and none that nothing uses; by a ``builder`` of one's own."""
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


def _with_last(shape: Sequence[int], last: int | None) -> list[int]:
    sizes = [int(size) for size in shape]
    return sizes if last is None else [*sizes[:-1], last]


__all__ = ["KIND_NAMES", "TYPE_NAMES", "Graph", "opened", "packed"]
