"""Parsing of sizes such as 100KB."""

from __future__ import annotations

import re

_UNITS = {
    "": 1,
    "b": 1,
    "k": 1_000,
    "kb": 1_000,
    "m": 1_000_000,
    "mb": 1_000_000,
    "g": 1_000_000_000,
    "gb": 1_000_000_000,
    "kib": 1_024,
    "mib": 1_048_576,
    "gib": 1_073_741_824,
}


def bytes_of(text: str) -> int:
    """Bytes of ``100KB``, ``1.5 MB``, ``64KiB`` or ``80000``; 1 KB is 1,000 bytes, 1 KiB is 1,024.

    ValueError for anything else, and for a size below one byte.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise ValueError(f"expected a size such as 100KB, 1.5MB, 64KiB or 80000 (bytes), found {text!r}")
    size = int(float(match[1]) * unit)
    if size < 1:
        raise ValueError(f"expected a size of at least one byte, found {text!r}")
    return size


__all__ = ["bytes_of"]
