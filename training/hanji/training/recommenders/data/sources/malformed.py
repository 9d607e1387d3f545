"""Malformed lines: counted by the engine, and explained here by a second look at the file."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from hanji.training.errors import DataError
from hanji.training.recommenders.data.sources.files import open_text
from hanji.training.recommenders.data.sources.header import Header, fields_of

EXAMPLES = 5
MOST_CHARACTERS = 2_000_000  # of a line, as the engine reads it
_BATCH_ROWS = 1 << 14
_TOO_LONG = "the line is too long"

Problem = Callable[[Mapping[str, str]], str]
"""What is wrong with the values of a line, by role; "" if nothing is."""


class MalformedLines:
    """Collects the malformed lines of all files of a data set."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lines = 0
        """Lines read, valid or malformed."""
        self.count = 0
        """Malformed lines."""
        self.bad_times = 0
        """Malformed lines whose only problem is their time."""
        self.examples: list[str] = []

    def add(self, path: Path, count: int, examples: Iterable[tuple[int, str]]) -> None:
        """Record ``count`` malformed lines, of which ``examples`` are the first, as line and reason.

        DataError if there are more than the limit.
        """
        self.count += count
        self.examples += [
            f"{path.name}:{line}: {reason}"
            for line, reason in islice(examples, EXAMPLES - len(self.examples))
        ]
        if self.count > self.limit:
            raise DataError(
                f"{path}: more than {self.limit} malformed lines; the first is {self.examples[0]}; "
                "check format and delimiter, or raise malformed_limit if such lines may be skipped"
            )


def malformed_in(header: Header, columns: Mapping[str, str], problem: Problem) -> Iterator[tuple[int, str]]:
    """The number and the reason of each malformed line, or row of Parquet, of a file, in file order.

    ``columns`` are the names of the columns by role; DataError for a quote that is never closed.
    """
    for number, fields in _lines(header):
        if isinstance(fields, str):
            yield number, fields
        elif columns and len(fields) != len(header.columns) and header.file.kind == "text":
            line = header.delimiter.join(fields)[:60]
            yield (
                number,
                f"expected {len(header.columns)} fields separated by {header.delimiter!r}, "
                f"found {len(fields)}: {line!r}",
            )
        else:
            values = dict(zip(header.columns, fields, strict=False))
            reason = problem({role: values.get(name, "").strip() for role, name in columns.items()})
            if reason:
                yield number, reason


def _lines(header: Header) -> Iterator[tuple[int, list[str] | str]]:
    """Line number and fields of each data line that is not blank, or the reason why it has none."""
    if header.file.kind == "parquet":
        yield from enumerate(_parquet_rows(header), start=1)
        return
    with open_text(header.file) as text:
        for _ in range(header.first_line - 1):
            next(text, None)
        if header.file.kind == "text" and header.quoted:
            yield from _records(header, text)
            return
        for number, line in enumerate(text, start=header.first_line):
            if len(line) > MOST_CHARACTERS:
                yield number, _TOO_LONG
            elif line.strip():
                is_json = header.file.kind == "json"
                yield number, _json_fields(header, line) if is_json else _split(header, line)


def _split(header: Header, line: str) -> list[str]:
    return fields_of(line.rstrip("\r\n"), header.delimiter)


def _json_fields(header: Header, line: str) -> list[str] | str:
    try:
        table = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"expected a JSON object, found {line.strip()[:60]!r}: {error}"
    if not isinstance(table, dict):
        return f"expected a JSON object, found {line.strip()[:60]!r}"
    return ["" if table.get(name) is None else str(table[name]) for name in header.columns]


def _parquet_rows(header: Header) -> Iterator[list[str]]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(header.file.path).iter_batches(_BATCH_ROWS):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield ["" if value is None else str(value) for value in row]


def _records(header: Header, text: Iterator[str]) -> Iterator[tuple[int, list[str] | str]]:
    reader = csv.reader(text, delimiter=header.delimiter, strict=True)
    while True:
        before = reader.line_num
        number = before + header.first_line
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if reader.line_num > before + 1 or "end of data" in str(error):
                raise never_closed(header, number) from None
            is_long = "field limit" in str(error)
            yield number, _TOO_LONG if is_long else f"bad quoting: {error}"
            continue
        if any(field.strip() for field in fields):
            yield number, fields


def never_closed(header: Header, line: int) -> DataError:
    """The error for a quote that swallows the lines after it."""
    return DataError(f"{header.file.path}:{line}: a quote is opened and never closed; close or double it")


def number_of(text: str) -> float:
    """``text`` as a number, NaN if it is not one."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


__all__ = ["MOST_CHARACTERS", "MalformedLines", "Problem", "malformed_in", "never_closed", "number_of"]
