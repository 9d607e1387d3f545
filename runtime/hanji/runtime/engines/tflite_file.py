"""Checks of a .tflite file before an engine reads it: its structure, operators, types and sizes.

Reads the tables of the flatbuffer with bounds, because devices have no flatbuffers package. Fields have their
numbers in the order of schema.fbs.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from hanji.runtime.engines.operators import TFLITE_END, TFLITE_REFUSED
from hanji.runtime.errors import EngineError

if TYPE_CHECKING:
    from mmap import mmap

_T = TypeVar("_T")

EDGE_TPU = "edgetpu-custom-op"
"""The custom operator that stands for those that the Edge TPU compiler has replaced."""
LARGEST = 2**28
"""Elements of a tensor: 1 GiB of float32."""
MOST = 2**19
"""Entries of all lists of a file. Tables may share them, so that a small file may have many to read."""

_CUSTOM = 32
_SHAPED = {94: 0, 130: 1}
"""FILL and BROADCAST_TO: which input is the shape of their output."""
_LEFT_OUT = -1
"""The index of an input that is left out: one of the first two only by LSTM and RNN."""
_RECURRENT = (16, 24, 35, 44, 46, 52)
_REQUIRED = 2
_SPLIT, _SPLIT_OPTIONS = 49, 35
_FEWEST = {45: 4, _SPLIT: 2, 65: 3, 126: 2}
"""Inputs of STRIDED_SLICE, SPLIT, SLICE, BATCH_MATMUL."""
_SUMS = (0, 41)
_SCALED = (*_SUMS, 58, 61, 62, 63, 71, 72, 73, 75, 76, 99, 114, 126)
"""ADD, SUB, comparisons and others with scales that LiteRT does not check."""
_INTEGERS = (3, 7, 9)
_LEAST_SCALE = 2.0**-62
_INT64 = 4
_UNPACK = {kind: struct.Struct("<" + kind).unpack_from for kind in "bBHiIQ"}
_TYPES = {5: "text", 13: "resources", 14: "variants"}


def check_tflite(content: bytes | mmap, path: str, *, edge_tpu: bool = False) -> None:
    """Raise EngineError for content that no bundle may have; ValueError for a malformed file.

    ``operators`` lists what may occur; with ``edge_tpu``, ``EDGE_TPU`` may, too.
    """
    try:
        problem = next(_problems(_Flatbuffer(content), edge_tpu), None)
    except struct.error:
        raise ValueError("an offset in the file points outside of it") from None
    if problem is not None:
        raise EngineError(
            f"{path}: {problem}, which no bundle may; build the model without it, and export the bundle again"
        )


class _Flatbuffer:
    """Reads tables at positions; struct.error or ValueError for one that is not inside the file."""

    def __init__(self, data: bytes | mmap) -> None:
        self._data = data
        self._entries_left = MOST
        self._offsets: dict[int, tuple[int, ...]] = {}

    def table(self, position: int) -> int:
        return position + self._number(position)

    def value(self, table: int, number: int, kind: str = "I") -> int:
        """A number in a table; 0 by default."""
        position = self._field(table, number)
        return _UNPACK[kind](self._data, position)[0] if position else 0

    def child(self, table: int, number: int) -> int:
        """The position of a table in a table; ValueError if there is none."""
        position = self._field(table, number)
        if not position:
            raise ValueError("a table is missing")
        return self.table(position)

    def has_bytes(self, table: int, number: int) -> bool:
        """Whether a vector of bytes, of any length, has some; ValueError unless it is inside the file."""
        start, count = self._vector(table, number)
        if start + count > len(self._data):
            raise ValueError("a constant ends after the file")
        return count > 0

    def entries(self, table: int, number: int, kind: str = "i") -> tuple[Any, ...]:
        """The numbers in a vector."""
        return self._entries(*self._vector(table, number), kind)

    def tables(self, table: int, number: int) -> list[int]:
        """The positions of the tables in a vector."""
        start, count = self._vector(table, number)
        return [start + 4 * index + offset for index, offset in enumerate(self._entries(start, count, "I"))]

    def _entries(self, start: int, count: int, kind: str) -> tuple[Any, ...]:
        self._entries_left -= count
        if self._entries_left < 0:
            raise ValueError(f"lists of more than {MOST:,} entries")
        return struct.unpack_from(f"<{count}{kind}", self._data, start) if count else ()

    def _vector(self, table: int, number: int) -> tuple[int, int]:
        """The position of the first entry, and the number of entries."""
        position = self._field(table, number)
        if not position:
            return 0, 0
        start = self.table(position)
        return start + 4, self._number(start)

    def _number(self, position: int, kind: str = "I") -> int:
        value: int = _UNPACK[kind](self._data, position)[0]
        return value

    def _field(self, table: int, number: int) -> int:
        """The position of a field, 0 if the table does not have it."""
        slots = table - _UNPACK["i"](self._data, table)[0]
        offsets = self._offsets.get(slots)  # many tables share theirs
        if offsets is None:
            if slots < 0:
                raise struct.error
            offsets = struct.unpack_from(f"<{self._number(slots, 'H') // 2}H", self._data, slots)
            self._offsets[slots] = offsets
        return table + offsets[number + 2] if number + 2 < len(offsets) and offsets[number + 2] else 0


def _problems(file: _Flatbuffer, edge_tpu: bool) -> Iterator[str]:
    model = file.table(0)
    kinds = []
    for code in file.tables(model, 1):
        kind = max(file.value(code, 0, "b"), file.value(code, 3, "i"))
        custom = bytes(file.entries(code, 1, "B")).decode(errors="replace") if kind == _CUSTOM else ""
        if not 0 <= kind < TFLITE_END or (kind in TFLITE_REFUSED and not (edge_tpu and custom == EDGE_TPU)):
            named = f"{TFLITE_REFUSED.get(kind, kind)} {custom}".rstrip()
            yield f"it contains the operator {named}"
        kinds.append(kind)
    graphs = file.tables(model, 2)
    signatures = set()
    for signature in file.tables(model, 7):
        graph = file.value(signature, 4)
        signatures.add(graph)
        tensors = file.tables(_entry(graph, graphs), 0)
        for end in file.tables(signature, 0) + file.tables(signature, 1):
            _entry(file.value(end, 1), tensors)
    if len(graphs) != max(1, len(signatures)):
        yield f"it contains {len(graphs)} graphs for {len(signatures)} signatures"
    constants = file.tables(model, 4)
    filled = [file.has_bytes(buffer, 0) or file.value(buffer, 1, "Q") > 0 for buffer in constants]
    for graph in graphs:
        yield from _Graph(file, graph, kinds).problems(constants, filled)


class _Graph:
    """A graph of a file, with the kind of each operator code."""

    def __init__(self, file: _Flatbuffer, graph: int, kinds: Sequence[int]) -> None:
        self._file, self._graph, self._kinds = file, graph, kinds
        self._tensors = file.tables(graph, 0)
        self._sizes = [math.prod(map(abs, file.entries(tensor, 0)), start=1.0) for tensor in self._tensors]

    def problems(self, constants: Sequence[int], filled: Sequence[bool]) -> Iterator[str]:
        """What the graph does that it should not; ValueError for operators that do not fit together."""
        file, tensors = self._file, self._tensors
        known = [
            _entry(file.value(tensor, 2), filled) or size == 0 or bool(file.value(tensor, 5, "B"))
            for size, tensor in zip(self._sizes, tensors, strict=True)
        ]
        _set(known, file.entries(self._graph, 1))
        for operator in file.tables(self._graph, 3):
            kind = _entry(file.value(operator, 0), self._kinds)
            inputs = file.entries(operator, 1)
            _expect_known(inputs, known, kind)
            outputs = file.entries(operator, 2)
            _set(known, outputs)
            if (
                not outputs
                or len(inputs) < _FEWEST.get(kind, 0)
                or (kind == _SPLIT and self._splits(operator) != len(outputs))
            ):
                raise ValueError(f"tensors of operator {kind} are missing")
            if kind in _SCALED:
                self._expect_scales(kind, [*inputs, outputs[0]])
            if kind in _SHAPED:
                tensor = tensors[_entry(_SHAPED[kind], inputs)]
                self._sizes.append(self._product(tensor, constants[file.value(tensor, 2)]))
        outputs = file.entries(self._graph, 2)
        if not outputs:
            raise ValueError("a graph has no outputs")
        _expect_known(outputs, known)
        for tensor in tensors:
            if (kind := file.value(tensor, 1, "b")) in _TYPES:
                yield f"it computes with {_TYPES[kind]}"
        if (size := max(self._sizes, default=0)) > LARGEST:
            yield f"it makes a tensor of {size:,.0f} elements, more than {LARGEST:,}"

    def _splits(self, operator: int) -> int:
        file, options = self._file, self._file.value(operator, 3, "B")
        return file.value(file.child(operator, 4), 0, "i") if options == _SPLIT_OPTIONS else 0

    def _expect_scales(self, kind: int, indices: Sequence[int]) -> None:
        """ValueError for integers without a scale, or with one that LiteRT aborts for."""
        file = self._file
        scales: list[float] = []
        for tensor in (self._tensors[index] for index in indices):
            if file.value(tensor, 1, "b") in _INTEGERS:
                scales += file.entries(file.child(tensor, 4), 2, "f") or [0.0]
        if kind in _SUMS and scales and max(scales) >= 2**14 * scales[-1]:
            scales = [0.0]
        if not all(_LEAST_SCALE < scale < 1 / _LEAST_SCALE for scale in scales):
            raise ValueError("a tensor has no usable scale")

    def _product(self, tensor: int, constant: int) -> float:
        """The product of the integers in a constant; 0 if there are none."""
        is_long = self._file.value(tensor, 1, "b") == _INT64
        content = bytes(self._file.entries(constant, 0, "B"))
        return math.prod(np.frombuffer(content, "<i8" if is_long else "<i4").tolist() or [0], start=1.0)


def _set(known: list[bool], tensors: Sequence[int]) -> None:
    for index in tensors:
        _entry(index, known)
        known[index] = True


def _expect_known(tensors: Sequence[int], known: Sequence[bool], kind: int = 0) -> None:
    """ValueError for a tensor that an operator of this kind needs and that nothing has computed."""
    for place, index in enumerate(tensors):
        is_left_out = index == _LEFT_OUT and (place >= _REQUIRED or kind in _RECURRENT)
        if not is_left_out and not _entry(index, known):
            raise ValueError(f"tensor {index} is read before it is computed")


def _entry(index: int, entries: Sequence[_T]) -> _T:
    """The entry at ``index``; ValueError if there is none."""
    if not 0 <= index < len(entries):
        raise ValueError(f"expected an index below {len(entries)}, found {index}")
    return entries[index]
