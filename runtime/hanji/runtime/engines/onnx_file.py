"""Checks of an .onnx file before ONNX Runtime reads it: its operators, types and sizes, and no other file.

Reads the wire format of protocol buffers, because devices have no onnx package. Values are skipped: of a
mapped file, only the pages that describe the graph are loaded. Fields have their numbers in onnx.proto.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from hanji.runtime.engines.operators import ONNX
from hanji.runtime.errors import EngineError

if TYPE_CHECKING:
    from mmap import mmap

LARGEST = 2**28
"""Elements of a tensor that is made, not contained: 1 GiB of float32."""
MOST = 2**19
"""Fields of a message, such as the operators of a graph."""

_PARTS = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor", 11: "value", 12: "value"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 10: "tensor"},
    "value": {2: "type"},
    "type": {1: "tensor type"},
    "tensor type": {},
    "tensor": {},
}
"""Of each message, the fields that are checked, and the messages in them."""
_REFUSED = {
    "model": {20: "training steps", 25: "a function"},
    "graph": {15: "a sparse tensor"},
    "attribute": {6: "a graph in an operator", 11: "graphs in an operator", 22: "a sparse tensor"},
    "type": {4: "a sequence", 5: "a map", 8: "a sparse tensor", 9: "an optional value"},
}
"""Fields that no model in a bundle needs."""
_INTEGER, _INT32 = 3, 2**31
_NAME, _INTEGERS, _RAW, _EXTERNAL_DATA, _DATA_LOCATION = 8, 7, 9, 13, 14
_TYPE = {"tensor type": 1, "tensor": 2}
_TEXT = 8
_SMALLEST = 14
"""Bytes of the smallest tensor with a location, whose key is "location". Most attributes have fewer."""
_ALLOWED = {domain: frozenset(names.split()) for domain, names in ONNX.items()}
_SHAPED = ("ConstantOfShape", "Expand")
"""Operators whose last input is the shape of what they make."""
_COMPLETE = ("LayerNormalization", "Max", "Mean", "Min", "Sum")
"""Operators for which ONNX Runtime reads inputs that are left out."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_Field = tuple[int, int, int]
"""Number, and start and end of its bytes; of an integer, its value and -1."""


def check_onnx(content: bytes | mmap, path: str) -> None:
    """Raise EngineError for content that no bundle may have; ValueError for a malformed file.

    ``operators`` lists what may occur. A tensor in another file may not: it has no hash.
    """
    try:
        problem = next(_Walk(content).problems(), None)
    except IndexError:
        raise ValueError("the file is truncated") from None
    if problem is not None:
        raise EngineError(f"{path}: {problem}, and export the bundle again")


class _Walk:
    def __init__(self, data: bytes | mmap) -> None:
        self._data = data
        self._tensors: dict[bytes, tuple[int, int]] = {}
        self._shapes: dict[bytes, str] = {}  # names of shapes, and an operator that uses each

    def problems(self) -> Iterator[str]:
        """What the file should not contain, with what to do about it."""
        waiting = [("model", 0, len(self._data))]
        while waiting:
            message, start, end = waiting.pop()
            fields = list(islice(_fields(self._data, start, end), MOST + 1))
            if len(fields) > MOST:
                raise ValueError(f"a message of more than {MOST:,} fields")
            if message == "node":
                yield from self._node(fields)
            elif message == "tensor":
                yield from self._tensor(fields, start, end)
            yield from _refused(message, fields)
            smallest = _SMALLEST if message == "node" else 0
            waiting += [
                (_PARTS[message][number], first, last)
                for number, first, last in fields
                if number in _PARTS[message] and last - first >= smallest
            ]
        for name, operator in self._shapes.items():
            size = self._size(name)
            if size > LARGEST:
                found = f"{operator} makes {size:,.0f} elements, more than {LARGEST:,}"
                yield f"{found}; build the model without it"

    def _node(self, fields: list[_Field]) -> Iterator[str]:
        names: dict[int, bytes] = {}
        is_complete = True
        for number, first, last in fields:
            if number in (1, 2, 4, 7):
                names[number] = self._data[first:last]
                is_complete &= number != 1 or first < last
            elif number == 5 and names.get(4) == b"Constant":
                self._tensors.update(
                    (names.get(2, b""), (begin, stop))
                    for part, begin, stop in _fields(self._data, first, last)
                    if part == 5
                )
        operator, domain = (names.get(number, b"").decode(errors="replace") for number in (4, 7))
        if domain == "ai.onnx":
            domain = ""
        if operator not in _ALLOWED.get(domain, ()):
            named = f"{domain}.{operator}" if domain else operator
            yield f"it contains the operator {named}, which no bundle may; build the model without it"
        if operator in _COMPLETE and not is_complete:
            yield f"an input of {operator} is left out; build the model without it"
        if operator in _SHAPED:
            self._shapes[names.get(1, b"")] = operator

    def _tensor(self, fields: list[_Field], start: int, end: int) -> Iterator[str]:
        for number, first, last in fields:
            if number == _NAME:
                self._tensors[self._data[first:last]] = start, end
            if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and first and last < 0):
                name, location = _described(self._data, start, end)
                yield (
                    f"the values of tensor {name!r} are in another file, {location!r}, which the bundle does "
                    "not vouch for; save the model with all tensors in one file"
                )

    def _size(self, name: bytes) -> float:
        """The product of the integers in the tensor ``name``; 0 if they are not constant."""
        sizes: list[int] = []
        for number, first, last in _fields(self._data, *self._tensors.get(name, (0, 0))):
            if number == _RAW:
                sizes = np.frombuffer(self._data[first:last], "<i8").tolist()
            while number == _INTEGERS and first < last:
                size, first = _varint(self._data, first)
                sizes.append(size)
        return math.prod(sizes or [0], start=1.0)


def _refused(message: str, fields: list[_Field]) -> Iterator[str]:
    for number, first, last in fields:
        if last < 0 and number == _TYPE.get(message) and first == _TEXT:
            yield "it computes with text, which no bundle may; build the model without it"
        elif message == "attribute" and number == _INTEGER and _INT32 <= first < 2**64 - _INT32:
            yield "an attribute has more than 32 bits; build the model without it"
        elif last >= 0 and number in _REFUSED.get(message, {}):
            yield f"it contains {_REFUSED[message][number]}, which no bundle may; build the model without it"


def _fields(data: bytes | mmap, position: int, end: int) -> Iterator[_Field]:
    while position < end:
        key, position = data[position], position + 1
        if key > 127:
            key, position = _varint(data, position - 1)
        kind = key & 7
        if kind == _BYTES:
            size, position = data[position], position + 1
            if size > 127:
                size, position = _varint(data, position - 1)
            yield key >> 3, position, min(position + size, end)
            position += size
        elif kind == _VARINT:
            value, position = _varint(data, position)
            yield key >> 3, value, -1
        elif kind in (_FIXED32, _FIXED64):
            position += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"an unexpected type of field at byte {position}")
    if position != end:
        raise ValueError(f"a field ends at byte {position}, after its message, which ends at {end}")


def _varint(data: bytes | mmap, position: int) -> tuple[int, int]:
    value = data[position] & 127
    if data[position] < 128:
        return value, position + 1
    for shift in range(7, 70, 7):
        position += 1
        value |= (data[position] & 127) << shift
        if data[position] < 128:
            return value, position + 1
    raise ValueError(f"an integer of more than ten bytes at byte {position}")


def _described(data: bytes | mmap, start: int, end: int) -> tuple[str, str]:
    """Name and location of a tensor, "" if they are not stated; the location is among keys with values."""
    name = location = ""
    for number, first, last in _fields(data, start, end):
        if number == _NAME:
            name = data[first:last].decode(errors="replace")
        elif number == _EXTERNAL_DATA and last >= 0:
            entry = {part: data[begin:stop] for part, begin, stop in _fields(data, first, last)}
            if entry.get(1) == b"location":
                location = entry.get(2, b"").decode(errors="replace")
    return name, location
