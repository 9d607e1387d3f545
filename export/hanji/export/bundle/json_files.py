"""The JSON encoding of bundles: UTF-8, sorted keys, trailing newline; equal content gives equal bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def json_bytes(table: Mapping[str, Any], *, readable: bool = False) -> bytes:
    """``table`` as JSON, one value per line if ``readable``; ValueError for NaN and infinity."""
    text = json.dumps(
        table,
        ensure_ascii=False,
        allow_nan=False,
        sort_keys=True,
        indent=1 if readable else None,
        separators=None if readable else (",", ":"),
    )
    return f"{text}\n".encode()


__all__ = ["json_bytes"]
