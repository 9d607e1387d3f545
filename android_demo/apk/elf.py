"""Reads the architecture and the segment alignment of a native library from its ELF header.

Android 15 supports devices with 16 KB pages, and Play requires alignment of all loadable segments for them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

PAGE = 16 * 1024
MACHINES = {"arm64-v8a": 183, "x86_64": 62}
"""ELF's numbers of processors by Android's names."""
_LOAD = 1


@dataclass(frozen=True)
class Library:
    """A 64-bit little-endian library: the ELF ``machine``, and the minimum alignment of its segments."""

    machine: int
    alignment: int


def read_library(content: bytes, name: str) -> Library:
    """Parse the header of the library ``name``; ValueError if it is not a 64-bit little-endian ELF file."""
    if content[:6] != b"\x7fELF\x02\x01" or len(content) < 64:
        raise ValueError(f"{name}: expected a 64-bit little-endian ELF library, found {content[:6]!r}")
    (machine,) = struct.unpack_from("<H", content, 18)
    (first,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    if count == 0 or first + size * count > len(content):
        raise ValueError(f"{name}: its program headers are outside of the truncated file; fetch it again")
    headers = [first + size * at for at in range(count)]
    loads = [at for at in headers if struct.unpack_from("<I", content, at)[0] == _LOAD]
    if not loads:
        raise ValueError(f"{name}: expected a loadable segment, found none")
    return Library(machine, min(struct.unpack_from("<Q", content, at + 48)[0] for at in loads))
