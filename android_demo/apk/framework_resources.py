"""Converts the resources of the Android framework to a form that Debian's aapt2 can read.

aapt2 links an app against the framework's ``resources.arsc``. Since Android 15, that table has compact
encodings that Debian's aapt2 (Android 10) does not support: 16-bit offsets (``FLAG_OFFSET16``), and simple
values in 8 instead of 16 bytes (``FLAG_COMPACT``). aapt2 silently skips them, so that all styles and
attributes are missing. This module expands both encodings and copies everything else.

The layout is that of frameworks/base ``ResourceTypes.h``: chunks of (type u16, header size u16, size u32).
"""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

_TABLE_PACKAGE = 0x0200
_TABLE_TYPE = 0x0201
_SPARSE, _OFFSET16 = 0x01, 0x02
_COMPLEX, _COMPACT = 0x0001, 0x0008
_NO_ENTRY_16, _NO_ENTRY = 0xFFFF, 0xFFFFFFFF
_VALUE_BYTES, _MAP_BYTES = 8, 12
_LARGEST_SPARSE = 0xFFFF * 4
_CHUNK = struct.Struct("<HHI")
_COPIED = ("AndroidManifest.xml",)  # contains the API level


def for_aapt2(framework: Path, target: Path) -> Path:
    """Convert an android-all jar to a small zip for ``aapt2 link -I``; return ``target``.

    Resources are stored, because aapt2 maps them into memory. ValueError for a jar without resources.
    """
    with zipfile.ZipFile(framework) as jar, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as small:
        if "resources.arsc" not in jar.namelist():
            raise ValueError(
                f"{framework}: expected an android-all jar with resources.arsc, found none in it"
            )
        small.writestr("resources.arsc", in_plain_form(jar.read("resources.arsc")))
        for name in _COPIED:
            if name in jar.namelist():
                small.writestr(name, jar.read(name))
    return target


def in_plain_form(table: bytes) -> bytes:
    """Expand 16-bit offsets and compact entries; returns an equal table if there are none."""
    kind, header, size = _CHUNK.unpack_from(table)
    return _chunk(kind, table[8:header], b"".join(_package(part) for part in _children(table, header, size)))


def _package(chunk: bytes) -> bytes:
    kind, header, size = _CHUNK.unpack_from(chunk)
    if kind != _TABLE_PACKAGE:
        return chunk
    return _chunk(kind, chunk[8:header], b"".join(_type(part) for part in _children(chunk, header, size)))


def _type(chunk: bytes) -> bytes:
    """Expand one configuration of a resource type, which has a header, entry offsets and entries."""
    kind, header, _ = _CHUNK.unpack_from(chunk)
    if kind != _TABLE_TYPE:
        return chunk
    flags = chunk[9]
    count, first = struct.unpack_from("<II", chunk, 12)
    entry_offsets = _entry_offsets(chunk, flags, header, count)
    if not flags & _OFFSET16 and not any(_is_compact(chunk, first + at) for at in entry_offsets.values()):
        return chunk
    body = bytearray()
    moved = {at: _append_plain(body, chunk, first + at) for at in sorted(set(entry_offsets.values()))}
    entries = {index: moved[at] for index, at in entry_offsets.items()}
    sparse = bool(flags & _SPARSE) and len(body) <= _LARGEST_SPARSE
    offsets = _sparse(entries) if sparse else _dense(entries, max(entries, default=-1) + 1, count, flags)
    fields = bytearray(chunk[8:header])
    fields[1] = _SPARSE if sparse else 0
    struct.pack_into("<II", fields, 4, len(offsets) // 4, header + len(offsets))
    return _chunk(kind, bytes(fields), offsets + bytes(body))


def _entry_offsets(chunk: bytes, flags: int, header: int, count: int) -> dict[int, int]:
    """The offsets of the existing entries, by index."""
    if flags & _SPARSE:
        pairs = struct.unpack_from(f"<{2 * count}H", chunk, header)
        return {index: at * 4 for index, at in zip(pairs[::2], pairs[1::2], strict=True)}
    if flags & _OFFSET16:
        narrow = struct.unpack_from(f"<{count}H", chunk, header)
        return {index: at * 4 for index, at in enumerate(narrow) if at != _NO_ENTRY_16}
    wide = struct.unpack_from(f"<{count}I", chunk, header)
    return {index: at for index, at in enumerate(wide) if at != _NO_ENTRY}


def _sparse(entries: dict[int, int]) -> bytes:
    return b"".join(struct.pack("<HH", index, at // 4) for index, at in sorted(entries.items()))


def _dense(entries: dict[int, int], needed: int, count: int, flags: int) -> bytes:
    length = needed if flags & _SPARSE else count
    return struct.pack(f"<{length}I", *(entries.get(index, _NO_ENTRY) for index in range(length)))


def _is_compact(chunk: bytes, at: int) -> bool:
    return bool(chunk[at + 2] & _COMPACT)


def _append_plain(body: bytearray, chunk: bytes, at: int) -> int:
    """Append the expanded entry at ``at`` to ``body``; return its offset there."""
    offset = len(body)
    if _is_compact(chunk, at):
        key, flags, data = struct.unpack_from("<HHI", chunk, at)
        body += struct.pack("<HHI", _VALUE_BYTES, flags & 0xFF & ~_COMPACT, key)
        body += struct.pack("<HBBI", _VALUE_BYTES, 0, flags >> 8, data)
        return offset
    size, flags = struct.unpack_from("<HH", chunk, at)
    length = size + _VALUE_BYTES
    if flags & _COMPLEX:
        length = size + struct.unpack_from("<I", chunk, at + 12)[0] * _MAP_BYTES
    body += chunk[at : at + length]
    return offset


def _children(chunk: bytes, header: int, size: int) -> list[bytes]:
    parts = []
    at = header
    while at < size:
        length = _CHUNK.unpack_from(chunk, at)[2]
        if length < _CHUNK.size or at + length > size:
            raise ValueError(
                f"resources.arsc: a chunk of {length} bytes at {at} of {size}: the file is damaged"
            )
        parts.append(chunk[at : at + length])
        at += length
    return parts


def _chunk(kind: int, rest_of_header: bytes, body: bytes) -> bytes:
    header = _CHUNK.size + len(rest_of_header)
    return _CHUNK.pack(kind, header, header + len(body)) + rest_of_header + body
