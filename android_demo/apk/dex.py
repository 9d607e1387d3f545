"""Parses dex files for the gates: strings, classes, and call sites of invoke-custom.

The layout is the "Dalvik executable format": a header with sizes and offsets, followed by tables.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_HEADER = 112
_STRINGS, _TYPES, _CLASSES, _MAP = 56, 64, 96, 52
_CALL_SITE, _METHOD_HANDLE = 0x0007, 0x0008
_CLASS_SIZE, _MAP_ITEM = 32, 12


@dataclass(frozen=True)
class Dex:
    """A dex file: format ``version``, all strings, the defined classes, and the number of ``call_sites``."""

    version: int
    strings: tuple[str, ...]
    classes: tuple[str, ...]
    call_sites: int


def read_dex(content: bytes, name: str) -> Dex:
    """Parse the dex file ``name``; ValueError if it is invalid or truncated."""
    if content[:4] != b"dex\n" or len(content) < _HEADER:
        raise ValueError(f"{name}: expected a dex file, found {content[:4]!r}")
    try:
        return _parse(content)
    except (struct.error, IndexError) as error:
        raise ValueError(f"{name}: a table is outside of the truncated file; build it again") from error


def _parse(content: bytes) -> Dex:
    strings = tuple(_string(content, at) for at in _offsets(content, _STRINGS))
    types = [strings[at] for at in _offsets(content, _TYPES)]
    count, first = struct.unpack_from("<II", content, _CLASSES)
    classes = [types[struct.unpack_from("<I", content, first + _CLASS_SIZE * at)[0]] for at in range(count)]
    return Dex(int(content[4:7]), strings, tuple(classes), _call_sites(content))


def _offsets(content: bytes, table: int) -> tuple[int, ...]:
    count, first = struct.unpack_from("<II", content, table)
    return struct.unpack_from(f"<{count}I", content, first)


def _string(content: bytes, at: int) -> str:
    """A string in modified UTF-8, after its length in ULEB128."""
    while content[at] & 0x80:
        at += 1
    end = content.index(b"\0", at + 1)
    return content[at + 1 : end].decode("utf-8", "replace")


def _call_sites(content: bytes) -> int:
    """The number of call sites and method handles; without any, there is no invoke-custom."""
    (first,) = struct.unpack_from("<I", content, _MAP)
    (count,) = struct.unpack_from("<I", content, first)
    found = 0
    for at in range(count):
        kind, _, size = struct.unpack_from("<HHI", content, first + 4 + _MAP_ITEM * at)
        found += size if kind in (_CALL_SITE, _METHOD_HANDLE) else 0
    return found
