"""Reads JSON and text files, of hanji's own directories and of users, within bounds."""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import Any

from hanji.runtime.json_table import expect_bounded, json_value
from hanji.training.errors import HanjiError
from hanji.training.regular_files import regular_file

LARGEST_BYTES = 2**29
"""Of a JSON file: the catalogue of a trained model with five million items. To read it takes several GB."""


def read_json(path: Path) -> Any:
    """The value of a JSON file in UTF-8.

    OSError if it cannot be read; ValueError if it is larger than LARGEST_BYTES, is malformed, has a key
    twice, or is nested too deep.
    """
    value = json_value(_content(path))
    expect_bounded(value)
    return value


def read_text(path: Path) -> str:
    """The text of a file in UTF-8; OSError if it cannot be read, ValueError if it is too large or no text."""
    return _content(path).decode()


def read_own_json(path: Path) -> dict[str, Any]:
    """The object in a file that a command keeps in its output directory; HanjiError if it is damaged."""
    try:
        table = read_json(path)
        if not isinstance(table, dict):
            raise ValueError(f"expected an object, found {type(table).__name__}")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HanjiError(f"{path}: cannot be read: {reason}; remove it, and run the command again") from None
    return table


def _content(path: Path) -> bytes:
    """The bytes without a mark of their order; a file that is too large is refused before it is read."""
    with regular_file(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST_BYTES:
            raise ValueError(f"expected at most {LARGEST_BYTES:,} bytes, found {size:,}")
        return file.read(size).removeprefix(codecs.BOM_UTF8)


__all__ = ["LARGEST_BYTES", "read_json", "read_own_json", "read_text"]
