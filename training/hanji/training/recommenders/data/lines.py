"""Reads ratings from delimited lines.

Files of plain numbers are parsed at once, all others line by line, with a reason for each malformed line.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hanji.training.errors import DataError
from hanji.training.files import decode
from hanji.training.recommenders.data.numbers import parse_numbers
from hanji.training.recommenders.data.raw import (
    CANONICAL_INTEGER,
    LATEST_TIME,
    MalformedLines,
    RawRatings,
    ids_from_text,
)


@dataclass(frozen=True)
class Layout:
    """The positions of the fields in a line, from 0."""

    delimiter: str
    width: int
    """Fields per line."""

    user: int = 0
    item: int = 1
    rating: int | None = 2
    timestamp: int | None = 3
    integer_ids: bool = False
    """Whether an id that is not a canonical integer makes the line malformed."""

    quoted: bool = False
    """Whether a field may be quoted, as in CSV."""

    first_line: int = 1
    """Number of the first data line in the file."""


def read_ratings(path: Path, data: bytes, layout: Layout, malformed: MalformedLines) -> RawRatings:
    """The ratings in `data`, the contents of `path` from its first data line on.

    Raises DataError if there are more malformed lines than the limit, or no valid line.
    """
    ratings = _read_numbers(data, layout, malformed)
    if ratings is None:
        ratings = _read_lines(
            path, decode(data, path, "utf-8", first_line=layout.first_line), layout, malformed
        )
    if not len(ratings.users):
        why = malformed.examples[-1] if malformed.examples else "there are only blank lines"
        raise DataError(f"{path}: expected ratings, found no usable line: {why}; check format and delimiter")
    return ratings


def _read_numbers(data: bytes, layout: Layout, malformed: MalformedLines) -> RawRatings | None:
    table = parse_numbers(data, layout.delimiter, layout.width, (layout.user, layout.item))
    if table is None:
        return None
    malformed.lines += len(table)
    return RawRatings(
        users=table[:, layout.user].astype(np.int64),
        items=table[:, layout.item].astype(np.int64),
        ratings=None if layout.rating is None else table[:, layout.rating].copy(),
        timestamps=None if layout.timestamp is None else table[:, layout.timestamp].astype(np.int64),
    )


def _read_lines(path: Path, text: str, layout: Layout, malformed: MalformedLines) -> RawRatings:
    users: list[str] = []
    items: list[str] = []
    ratings: list[float] = []
    times: list[float] = []
    for number, fields in split_lines(
        path, text, layout.delimiter, layout.first_line, layout.quoted, malformed
    ):
        malformed.lines += 1
        if problem := _problem(fields, layout):
            malformed.add(path, number, problem)
            continue
        time = 0.0 if layout.timestamp is None else _number(fields[layout.timestamp])
        if not 0 <= time < LATEST_TIME:
            malformed.add_time(path, number, time)
            continue
        users.append(fields[layout.user].strip())
        items.append(fields[layout.item].strip())
        ratings.append(0.0 if layout.rating is None else _number(fields[layout.rating]))
        times.append(time)
    return RawRatings(
        users=ids_from_text(users),
        items=ids_from_text(items),
        ratings=None if layout.rating is None else np.array(ratings, dtype=np.float64),
        timestamps=None if layout.timestamp is None else np.array(times, dtype=np.float64).astype(np.int64),
    )


def _problem(fields: list[str], layout: Layout) -> str:
    """The reason why a line is malformed, ignoring its time; "" if it is valid."""
    if len(fields) != layout.width:
        line = layout.delimiter.join(fields)[:60]
        return (
            f"expected {layout.width} fields separated by {layout.delimiter!r}, found {len(fields)}: {line!r}"
        )
    for name, position in (("user", layout.user), ("item", layout.item)):
        text = fields[position].strip()
        if not text:
            return f"{name} is empty"
        if layout.integer_ids and not CANONICAL_INTEGER.fullmatch(text):
            return f"{name} {text[:40]!r} is not an integer"
    if layout.rating is not None and not math.isfinite(_number(fields[layout.rating])):
        return f"rating {fields[layout.rating][:40]!r} is not a number"
    return ""


def _number(text: str) -> float:
    """`text` as a number, NaN if it is not one."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def split_lines(
    path: Path, text: str, delimiter: str, first_line: int, quoted: bool, malformed: MalformedLines
) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each line that is not blank.

    Badly quoted lines are recorded in `malformed`; DataError for a quote that is never closed.
    """
    if quoted:
        yield from _split_quoted(path, text, delimiter, first_line, malformed)
        return
    for number, line in enumerate(text.split("\n"), start=first_line):
        if line.strip():
            yield number, line.rstrip("\r").split(delimiter)


def _split_quoted(
    path: Path, text: str, delimiter: str, first_line: int, malformed: MalformedLines
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        before = reader.line_num
        number = before + first_line
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if reader.line_num > before + 1 or "end of data" in str(error):
                raise DataError(
                    f"{path}:{number}: a quote is opened and never closed; close or double it"
                ) from None
            malformed.lines += 1
            malformed.add(path, number, f"bad quoting: {error}")
            continue
        if any(field.strip() for field in fields):
            yield number, fields
