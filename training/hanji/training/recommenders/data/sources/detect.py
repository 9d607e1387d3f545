"""Detects the format of the data in a directory by its file names, and by the columns of its tables."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from hanji.training.errors import DataError
from hanji.training.files import directory_listing, file_names
from hanji.training.recommenders.data.config import PREPARED, DataConfig, Format
from hanji.training.recommenders.data.sources.files import read_sample, source_file
from hanji.training.recommenders.data.sources.header import Header, read_header
from hanji.training.recommenders.data.sources.ncf import TRAIN_SUFFIX
from hanji.training.recommenders.data.sources.tables import has_interactions

_MARKERS: tuple[tuple[Format, str], ...] = (
    ("ncf", f"*{TRAIN_SUFFIX}"),
    ("movielens-1m", "ratings.dat"),
    ("movielens-100k", "u.data"),
    ("movielens-csv", "ratings.csv"),
    ("netflix", "combined_data_*.txt"),
)
_EXPECTED_FILES = ", ".join(f'{marker} ("{form}")' for form, marker in _MARKERS)
RECOGNIZED_BY = f"ratings by {_EXPECTED_FILES}, or a table with the columns of a user and an item"
"""How a directory of ratings is recognized, for error messages."""

_TABLES = re.compile(r".*\.(csv|tsv|jsonl|ndjson|json|parquet|pq|inter|item)(\.gz|\.zst)?", re.IGNORECASE)
_MOST_COLUMNS = 4  # user, item, rating and time
_LISTS = re.compile(r"(\S+[ \t])+\S+[ \t]*")


def is_recognized(directory: Path) -> bool:
    """Whether `directory` has interactions in a known format; DataError if there is no such directory."""
    return bool(_found(DataConfig(name="data", format="auto"), directory))


def detect_format(config: DataConfig, directory: Path) -> DataConfig:
    """The config with the format of the files in `directory`, and their names for a table.

    A ratings file named in the config means "table" or "ncf". Raises DataError, listing the recognized file
    names, unless exactly one format is recognized.
    """
    if config.ratings is not None:
        return replace(config, format="ncf" if config.ratings.endswith(TRAIN_SUFFIX) else "table")
    found = _found(config, directory)
    if len(found) == 1:
        return found[0]
    if not found:
        _expect_readable(directory)
    formats = [each.format if each.ratings is None else f"the table {each.ratings}" for each in found]
    what = f"those of {' and '.join(formats)}" if found else "none of them"
    raise DataError(
        f"{directory}: expected the files of one format, by {_EXPECTED_FILES}, or one table with the columns "
        f"of a user and an item; found {what}: {directory_listing(directory)}; set data.format, and for any "
        'other CSV or TSV data.format = "csv" with data.ratings, data.user_column and data.item_column'
    )


def _expect_readable(directory: Path) -> None:
    """DataError for the first table that cannot be read, if there is one."""
    for name in file_names(directory):
        if _TABLES.fullmatch(name):
            read_header(source_file(directory / name))


def _found(config: DataConfig, directory: Path) -> list[DataConfig]:
    names = [name for name in file_names(directory) if name != config.test]
    if PREPARED in names:
        return [replace(config, format="prepared")]
    found = [
        replace(config, format=form) for form, marker in _MARKERS if _has_marker(directory, names, marker)
    ]
    if found:
        return found
    if {"train.txt", "test.txt"} <= set(names):
        return [replace(config, format="lightgcn")]
    return _tables(config, directory, names) or _lists(config, directory, names)


def _has_marker(directory: Path, names: list[str], marker: str) -> bool:
    """Whether there is such a file; a ratings.csv is MovieLens' only with its columns."""
    if marker == "ratings.csv":
        return marker in names and {"userId", "movieId"} <= set(_columns(directory / marker))
    pattern = re.compile(re.escape(marker).replace(r"\*", ".*"))
    return any(pattern.fullmatch(name) for name in names)


def _columns(path: Path) -> tuple[str, ...]:
    header = _header(path)
    return header.columns if header else ()


def _header(path: Path) -> Header | None:
    """The header of a table; None if the file is none."""
    try:
        return read_header(source_file(path))
    except DataError:
        return None


def _tables(config: DataConfig, directory: Path, names: list[str]) -> list[DataConfig]:
    """Tables with the columns of a user and an item, and with them a table of titles, if there is one."""
    headers = {name: _header(directory / name) for name in names if _TABLES.fullmatch(name)}
    ratings = [name for name, header in headers.items() if header and has_interactions(header)]
    nameless = [name for name, header in headers.items() if header and _has_no_header(header)]
    if not ratings and len(nameless) == 1:
        ratings = nameless
    titles = [
        name
        for name, header in headers.items()
        if header and name not in ratings and header.find("title") and _has_item_id(header)
    ]
    items = config.items or (titles[0] if len(titles) == 1 else None)
    return [replace(config, format="table", ratings=name, items=items) for name in ratings]


def _has_no_header(header: Header) -> bool:
    """Whether this is a table of numbers without a header, whose columns are known by their positions."""
    return header.file.kind == "text" and header.first_line == 1 and 2 <= len(header.columns) <= _MOST_COLUMNS


def _has_item_id(header: Header) -> bool:
    return header.find("item") is not None or "id" in {name.lower() for name in header.columns}


def _lists(config: DataConfig, directory: Path, names: list[str]) -> list[DataConfig]:
    """Text files of lines "user item" or "user item item …"; all with three or four fields are a table."""
    found: list[DataConfig] = []
    for name in names:
        if not name.endswith((".txt", ".txt.gz")):
            continue
        lines = read_sample(directory / name).decode(errors="replace").split("\n")[:-1]
        if lines and all(_LISTS.fullmatch(line.rstrip("\r")) and line[0].isdigit() for line in lines if line):
            widths = {len(line.split()) for line in lines if line.strip()}
            is_table = len(widths) == 1 and 2 < max(widths) <= _MOST_COLUMNS
            form: Format = "pairs" if widths == {2} else "table" if is_table else "sequences"
            found.append(replace(config, format=form, ratings=name))
    return found


__all__ = ["RECOGNIZED_BY", "detect_format", "is_recognized"]
