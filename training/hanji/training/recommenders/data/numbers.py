"""Fast parser for files that contain only plain numbers.

It accepts only files whose lines are all strictly well-formed and returns None for any other, so that its
values always agree with those of the line-by-line parser (`lines.py`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NEWLINE, _DOT, _ZERO = b"\n.0"
_MAX_DIGITS = 15  # a float64 represents them exactly


def parse_numbers(
    data: bytes, delimiter: str, columns: int, integer_columns: tuple[int, ...]
) -> NDArray[np.float64] | None:
    """All fields of `data` as float64[lines, columns], or None if any line is not plain.

    Plain: `columns` fields of digits, at most one decimal point each and none in `integer_columns`, whose
    fields are canonical (no leading zero); no sign, blank, quote or empty line.
    """
    separator = delimiter.encode()
    if separator in b"0123456789.\n":
        return None
    if len(separator) > 1:
        if b"\t" in data:
            return None
        data, separator = data.replace(separator, b"\t"), b"\t"
    data = data.replace(b"\r\n", b"\n")
    if not data.endswith(b"\n"):
        data += b"\n"
    characters = np.frombuffer(data, dtype=np.uint8)
    if not _allowed(separator)[characters].all():
        return None
    ends = np.flatnonzero((characters == separator[0]) | (characters == _NEWLINE))
    if not _is_grid(characters[ends] == _NEWLINE, columns):
        return None
    starts = np.concatenate([[0], ends[:-1] + 1])
    if not _are_plain(characters, starts, ends, columns, integer_columns):
        return None
    blank = data.replace(separator, b" ").replace(b"\n", b" ")
    return np.fromstring(blank.decode("ascii"), dtype=np.float64, sep=" ").reshape(-1, columns)


def _allowed(separator: bytes) -> NDArray[np.bool_]:
    allowed = np.zeros(256, dtype=np.bool_)
    allowed[list(b"0123456789.\n" + separator)] = True
    return allowed


def _is_grid(ends_line: NDArray[np.bool_], columns: int) -> bool:
    """Whether exactly each `columns`-th field is the last of its line."""
    if len(ends_line) % columns:
        return False
    grid = ends_line.reshape(-1, columns)
    return bool(grid[:, -1].all()) and not grid[:, :-1].any()


def _are_plain(
    characters: NDArray[np.uint8],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
    columns: int,
    integer_columns: tuple[int, ...],
) -> bool:
    lengths = ends - starts
    if lengths.min() < 1 or lengths.max() > _MAX_DIGITS:
        return False
    padded = ((characters[starts] == _ZERO) & (lengths > 1)).reshape(-1, columns)
    if padded[:, list(integer_columns)].any():
        return False
    dots = np.flatnonzero(characters == _DOT)
    fields = np.searchsorted(ends, dots)
    in_integers = np.isin(fields % columns, integer_columns).any()
    # A decimal point needs digits on both sides: ".", "5." and ".5" are left to the line-by-line parser.
    at_edge = np.isin(dots, starts).any() or np.isin(dots + 1, ends).any()
    return not in_integers and not at_edge and len(np.unique(fields)) == len(fields)
