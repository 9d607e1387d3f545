"""The columns of a table: its delimiter, its header line if it has one, and which column is which."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hanji.training.archives import largest_unpacked
from hanji.training.errors import DataError
from hanji.training.recommenders.data.sources.files import SourceFile, read_sample, without_mark

DELIMITERS = (",", "\t", ";", "|", "::")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_LINES = 50
MOST_COLUMNS = 2_000
"""Of a table. The engine splits every line into all of them, of which hanji takes four."""

KNOWN_NAMES: Mapping[str, tuple[str, ...]] = {
    "user": (
        *("user", "userid", "uid", "userno", "username", "member", "memberid", "customer", "customerid"),
        *("reader", "readerid", "reviewerid", "visitor", "visitorid", "viewer", "viewerid", "listener"),
        *("listenerid", "account", "accountid", "client", "clientid", "sessionid"),
    ),
    "item": (
        *("item", "itemid", "iid", "movie", "movieid", "film", "filmid", "book", "bookid", "isbn"),
        *("product", "productid", "parentasin", "asin", "sku", "artist", "artistid", "song", "songid"),
        *("track", "trackid", "album", "albumid", "game", "gameid", "appid", "article", "articleid"),
        *("video", "videoid", "recipeid", "businessid", "animeid", "joke", "jokeid"),
    ),
    "rating": ("rating", "ratings", "bookrating", "score", "stars", "overall", "weight", "plays", "count"),
    "time": (
        *("timestamp", "time", "date", "datetime", "ts", "unixreviewtime", "reviewtime", "createdat"),
        *("eventtime", "ratedat", "dateadded", "tstamp"),
    ),
    "title": ("title", "name", "movietitle", "booktitle", "itemname", "productname", "artistname"),
    "genres": ("genres", "genre", "categories", "category", "tags", "class"),
}
"""Names of columns by role, in lower case without punctuation; a type after a colon, as RecBole has it, is
ignored."""


@dataclass(frozen=True)
class Header:
    """The columns of a file, before its first data line ``first_line``."""

    file: SourceFile
    columns: tuple[str, ...]
    delimiter: str = ","
    first_line: int = 2
    """1 without a header line; the columns are then called "1", "2" and so on."""

    first_values: tuple[str, ...] = ()
    """The fields of the first line if it is not a header."""

    plain: bool = False
    """Whether quotes are text, whatever the delimiter is."""

    @property
    def quoted(self) -> bool:
        """Whether fields may be quoted. In tab-separated files and those of MovieLens, quotes are text."""
        return self.file.kind == "text" and not self.plain and quotes_fields(self.delimiter)

    def find(self, role: str) -> str | None:
        """The column that is known by its name to have this role, or None."""
        return known_column(self.columns, role)

    def columns_of(self, names: Mapping[str, str]) -> Mapping[str, str]:
        """``names``, columns by role, if all exist; DataError that lists the columns otherwise."""
        for name in names.values():
            self.column(name)
        return names

    def column(self, name: str) -> str:
        """``name``, if there is such a column; DataError that lists the columns otherwise."""
        if name not in self.columns:
            raise self.missing(name)
        return name

    def missing(self, role: str) -> DataError:
        """The error for a missing column."""
        shown = ", ".join(repr(name[:60]) for name in self.columns)
        return DataError(
            f"{self.file.path}:1: expected a column {role!r}, found the columns {shown}{self._hint(role)}"
        )

    def _hint(self, role: str) -> str:
        """What to try if a column is missing."""
        if self.first_line == 2 and all(map(_NUMBER.fullmatch, self.columns)):
            return (
                "; if the first line is data, set data.header = false and name the columns by position, such "
                'as data.user_column = "1" and data.item_column = "2"'
            )
        if len(self.columns) == 1 and self.file.kind == "text":
            others = [other for other in DELIMITERS if other != self.delimiter and other in self.columns[0]]
            if others:
                return f"; the header contains {others[0]!r}: try it as data.delimiter"
            return "; check data.delimiter"
        return f"; set data.{role}_column" if role in ("user", "item", "title") else ""


def known_column(columns: Sequence[str], role: str) -> str | None:
    """The column that is known by its name to have this role, or None."""
    by_name = {_normal(column): column for column in reversed(columns)}
    return next((by_name[name] for name in KNOWN_NAMES[role] if name in by_name), None)


def read_header(
    file: SourceFile, wanted: Sequence[str] = (), delimiter: str | None = None, header: bool | None = None
) -> Header:
    """The header of a file that has the ``wanted`` columns; DataError if the first line cannot be split.

    Without ``delimiter`` the one is used that finds all ``wanted`` columns, or else the one that splits the
    first lines into the most columns. Without ``header`` the first line is a header unless it has only
    numbers.
    """
    if file.kind == "parquet":
        return _distinct(Header(file, _parquet_columns(file)))
    lines = _first_lines(file)
    if file.kind == "json":
        return _distinct(Header(file, _json_columns(file, lines[0]), first_line=1))
    splits = _splits(file, lines[0], (delimiter,) if delimiter else (*DELIMITERS, " "))
    for choice, columns in splits.items():
        if wanted and set(wanted) <= set(columns):
            return _distinct(Header(file, columns, choice))
    choice = max(splits, key=lambda each: _regularity(lines, each, splits[each]))
    columns = splits[choice]
    if header is None:
        header = bool(wanted) or not all(_NUMBER.fullmatch(column) for column in columns)
    if header:
        return _distinct(Header(file, columns, choice))
    numbers = tuple(str(index + 1) for index in range(len(columns)))
    return _distinct(Header(file, numbers, choice, first_line=1, first_values=columns))


def quotes_fields(delimiter: str) -> bool:
    """Whether files with this delimiter may quote fields, as CSV does."""
    return len(delimiter) == 1 and delimiter not in "\t "


def _distinct(header: Header) -> Header:
    """``header``; DataError if two of its columns have the same name, or if it has too many."""
    if len(header.columns) > MOST_COLUMNS:
        raise DataError(
            f"{header.file.path}:1: expected at most {MOST_COLUMNS:,} columns, found "
            f"{len(header.columns):,}; remove those that are not needed, or set data.delimiter"
        )
    twice = next((name for name in header.columns if header.columns.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"{header.file.path}:1: expected different column names, found {twice!r} twice; rename one"
        )
    return header


def fields_of(line: str, delimiter: str) -> list[str]:
    """The fields of one line, unquoted if the delimiter allows quotes; csv.Error for bad quoting."""
    if not quotes_fields(delimiter):
        return line.split(delimiter)
    return next(csv.reader([line], delimiter=delimiter), [])


def _first_lines(file: SourceFile) -> list[str]:
    text = without_mark(read_sample(file.path)).decode(file.encoding, errors="replace")
    lines = [line.rstrip("\r") for line in text.lstrip("\ufeff").split("\n")[:_LINES]]
    while len(lines) > 1 and not lines[0].strip():
        lines.pop(0)
    return lines


def _splits(file: SourceFile, line: str, delimiters: Sequence[str]) -> dict[str, tuple[str, ...]]:
    try:
        return {each: _names(fields_of(line, each)) for each in delimiters}
    except csv.Error as error:
        raise DataError(
            f"{file.path}:1: expected a header with column names, found {line[:60]!r}: {error}; "
            "save the file with LF line endings and closed quotes"
        ) from None


def _names(fields: Sequence[str]) -> tuple[str, ...]:
    """Column names; one without a name, as after a delimiter at the end of the line, is named by position."""
    return tuple(name.strip() or f"column {place}" for place, name in enumerate(fields, start=1))


def _regularity(lines: Sequence[str], delimiter: str, columns: Sequence[str]) -> tuple[bool, bool, bool, int]:
    """Sorts delimiters: those first that split most of the first lines alike, a space last."""
    rest = [line for line in lines[1:] if line.strip()][:-1]
    alike = sum(line.count(delimiter) + 1 == len(columns) for line in rest)
    return len(columns) > 1, 2 * alike >= len(rest), delimiter != " ", len(columns)


def _parquet_columns(file: SourceFile) -> tuple[str, ...]:
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(file.path)
        _check_unpacked(file, opened.metadata)
        return tuple(opened.schema_arrow.names)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{file.path}: expected a Parquet file, found {error}; download or export it again"
        ) from None


def _check_unpacked(file: SourceFile, metadata: Any) -> None:
    """DataError for a Parquet file that states far more content than its size."""
    unpacked = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    largest = largest_unpacked(file.path.stat().st_size)
    if max(unpacked, metadata.num_rows) > largest:
        raise DataError(
            f"{file.path}: expected at most {largest:,} bytes and rows for its size, found {unpacked:,} "
            f"bytes and {metadata.num_rows:,} rows; write it again without compression"
        )


def _json_columns(file: SourceFile, line: str) -> tuple[str, ...]:
    import json

    try:
        table = json.loads(line)
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise DataError(
            f"{file.path}:1: expected JSON lines, one object for each interaction, found {line[:60]!r}; "
            "convert the file, for instance with jq -c '.[]'"
        )
    return tuple(table)


def _normal(column: str) -> str:
    return re.sub(r"[^a-z0-9]", "", column.partition(":")[0].lower())


def delimiter_beside(delimiter: str | None) -> str | None:
    """The delimiter of a file beside one with this ``delimiter``: it may have another of the usual ones,
    which are found by looking at it (None), but an unusual one is that of both."""
    return None if delimiter in DELIMITERS else delimiter


__all__ = ["KNOWN_NAMES", "Header", "delimiter_beside", "fields_of", "known_column", "read_header"]
