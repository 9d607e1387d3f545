"""Delimited files with a header: finds the named columns, or reports the existing ones."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hanji.training.errors import DataError
from hanji.training.files import decode, read_source
from hanji.training.recommenders.data.lines import split_lines
from hanji.training.recommenders.data.raw import MalformedLines

DELIMITERS = (",", "\t", ";", "|")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Table:
    """An opened file: its header is parsed, its lines are not read yet."""

    path: Path
    delimiter: str
    columns: tuple[str, ...]
    body: bytes
    """Everything after the header line."""

    quoted: bool = True

    def position(self, column: str) -> int:
        """The position of the column, from 0; DataError listing the existing columns if it is missing."""
        if column not in self.columns:
            raise _missing(self.path, self.columns, self.delimiter, column)
        return self.columns.index(column)

    def lines(self, malformed: MalformedLines) -> Iterator[tuple[int, list[str]]]:
        """Line number and fields of each data line that is not blank."""
        text = decode(self.body, self.path, "utf-8", first_line=2)
        return split_lines(self.path, text, self.delimiter, 2, self.quoted, malformed)


def open_table(
    path: Path, required: Sequence[str], *, delimiters: Sequence[str] = DELIMITERS, quoted: bool = True
) -> Table:
    """Open a file that has the `required` columns, split by the first of `delimiters` that finds them all.

    Raises DataError if the file cannot be read, or listing the existing columns if one is missing.
    """
    header, _, body = read_source(path).removeprefix(_BOM).partition(b"\n")
    line = decode(header, path, "utf-8").rstrip("\r")
    try:
        splits = {choice: _split(line, choice) for choice in delimiters}
    except csv.Error as error:
        raise DataError(
            f"{path}:1: expected a header with column names, found {line[:60]!r}: {error}; "
            "save the file with LF line endings and closed quotes"
        ) from None
    for choice, columns in splits.items():
        if set(required) <= set(columns):
            return Table(path, choice, columns, body, quoted)
    likeliest = max(splits, key=lambda choice: len(splits[choice]))
    columns = splits[likeliest]
    raise _missing(path, columns, likeliest, next(name for name in required if name not in columns))


def _split(line: str, delimiter: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in next(csv.reader([line], delimiter=delimiter), []))


def _missing(path: Path, columns: Sequence[str], delimiter: str, column: str) -> DataError:
    hint = ""
    if len(columns) == 1:
        others = [other for other in DELIMITERS if other != delimiter and other in columns[0]]
        hint = (
            f"; the header contains {others[0]!r}: try it as data.delimiter"
            if others
            else "; check data.delimiter"
        )
    shown = ", ".join(repr(name[:60]) for name in columns)
    return DataError(f"{path}:1: expected a column {column!r}, found the columns {shown}{hint}")
