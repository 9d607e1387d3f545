"""Checks that an .onnx file contains its tensors: ONNX Runtime would read others from files that it names.

Reads the wire format of protocol buffers, because devices have no onnx package. Values are skipped: of a
mapped file, only the pages that describe the graph are loaded. Fields have their numbers in onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hanji.runtime.errors import EngineError

if TYPE_CHECKING:
    from mmap import mmap

_PARTS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Of each message, the fields that lead to tensors, and the messages in them."""
_NAME, _EXTERNAL_DATA, _DATA_LOCATION = 8, 13, 14
_SMALLEST = 14
"""Bytes of the smallest tensor with a location, whose key is "location". Most attributes have fewer."""
_DEEPEST = 100
"""Levels of messages, as in protocol buffers' own readers."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_Field = tuple[int, int, int]
"""Number, and start and end of its bytes; of an integer, its value and -1."""


def check_self_contained(content: bytes | mmap, path: str) -> None:
    """Raise EngineError for a tensor in another file, which has no hash; ValueError for a malformed file."""
    try:
        tensor = next(_external_tensors(content), None)
    except IndexError:
        raise ValueError("the file is truncated") from None
    if tensor is not None:
        name, location = tensor
        raise EngineError(
            f"{path}: the values of tensor {name!r} are in another file, {location!r}, which the bundle does "
            "not vouch for; save the model with all tensors in one file, and export the bundle again"
        )


def _external_tensors(data: bytes | mmap) -> Iterator[tuple[str, str]]:
    """Names and locations of tensors whose values are in other files."""
    waiting = [("model", 0, len(data), 0)]
    while waiting:
        message, start, end, depth = waiting.pop()
        if depth > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} levels of messages")
        parts = _PARTS[message]
        for number, first, last in _fields(data, start, end):
            if last < 0:
                if message == "tensor" and number == _DATA_LOCATION and first:
                    yield _described(data, start, end)
            elif number in parts and last - first >= _SMALLEST:
                waiting.append((parts[number], first, last, depth + 1))
            elif message == "tensor" and number == _EXTERNAL_DATA:
                yield _described(data, start, end)


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
    """An integer, and the position after it."""
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


__all__ = ["check_self_contained"]
