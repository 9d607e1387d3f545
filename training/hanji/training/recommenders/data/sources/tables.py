"""Any table of interactions: CSV, TSV, JSON lines or Parquet, in one or several files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hanji.training.errors import DataError
from hanji.training.recommenders.data.clean import latest_rated
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.raw import (
    CANONICAL_INTEGER,
    Coded,
    Ids,
    ItemText,
    RawData,
    RawTest,
)
from hanji.training.recommenders.data.sources.engine import Engine, open_engine
from hanji.training.recommenders.data.sources.files import find_files
from hanji.training.recommenders.data.sources.header import Header, delimiter_beside, read_header
from hanji.training.recommenders.data.sources.interactions import read_interactions
from hanji.training.recommenders.data.sources.items import read_item_texts
from hanji.training.recommenders.data.sources.malformed import MalformedLines, number_of
from hanji.training.recommenders.data.sources.rows import InteractionFile
from hanji.training.recommenders.data.sources.values import Options

_NO_ID = np.iinfo(np.int64).min
"""Integer ids have at most 15 digits."""

_FIRST_TIME = 1e8
"""A number from here on in the third of three columns is a time rather than a rating."""


def read_tables(config: DataConfig, directory: Path, engine: Engine) -> RawData:
    """Read ``config.ratings`` and, if named, ``config.items`` from the directory."""
    if config.ratings is None:
        raise DataError(f'data.ratings: format "{config.format}" needs the name of the ratings file')
    files = _files(config, directory, config.ratings, engine)
    malformed = MalformedLines(config.malformed_limit)
    read = read_interactions(engine, files, malformed, Options(time_format=config.timestamp_format))
    test = None if config.test is None else _test_rows(config, directory, config.test, read.coded, malformed)
    items = _items(config, directory, engine, malformed)
    notes = (*_guesses(config, files), *read.notes)
    kind = files[0].header.file.kind
    name = "csv" if kind == "text" else {"json": "jsonl"}.get(kind, kind)
    return RawData(name, "", read.coded, items, malformed, test, notes=notes)


def _files(config: DataConfig, directory: Path, name: str, engine: Engine) -> list[InteractionFile]:
    return [
        _interaction_file(config, read_header(file, _named(config), config.delimiter, config.header))
        for file in find_files(directory, name, config.encoding, engine)
    ]


def _test_rows(
    config: DataConfig, directory: Path, name: str, train: Coded, malformed: MalformedLines
) -> RawTest:
    """The interactions of the test file as test rows, whose ids are of the type of those of ``train``."""
    with open_engine() as engine:
        files = _files(config, directory, name, engine)
        options = Options(time_format=config.timestamp_format)
        found = read_interactions(engine, files, malformed, options).coded
        kept = latest_rated(found, config.minimum_rating)
        return RawTest(
            _like(train.user_ids, found.user_ids[found.users[kept]]),
            _like(train.item_ids, found.item_ids[found.items[kept]]),
            None,
        )


def _like(known: Ids, ids: Ids) -> Ids:
    """The ids in the type of ``known``; text that is no integer becomes an integer that no id is."""
    if known.dtype == ids.dtype:
        return ids
    if known.dtype == object:
        return ids.astype(str).astype(object)
    numbers = (int(text) if CANONICAL_INTEGER.fullmatch(text) else _NO_ID for text in ids.tolist())
    return np.fromiter(numbers, np.int64, len(ids))


def _interaction_file(config: DataConfig, header: Header) -> InteractionFile:
    """The file with its columns by role: as configured, else by their names, else by their positions."""
    positions = _positions(header)
    user = config.user_column or header.find("user") or positions.get("user")
    item = config.item_column or header.find("item") or positions.get("item")
    if user is None or item is None:
        raise header.missing("user" if user is None else "item")
    roles = {"user": header.column(user), "item": header.column(item)}
    rating = config.rating_column
    if rating is None and config.minimum_rating is not None:
        rating = header.find("rating") or positions.get("rating")
    time = config.timestamp_column
    if time is None:
        time = header.find("time") or positions.get("time")
    roles |= {"rating": header.column(rating)} if rating else {}
    roles |= {"time": header.column(time)} if time else {}
    if len(set(roles.values())) < len(roles):
        raise DataError(
            f"{header.file.path}: expected a column for each of {', '.join(roles)}, found "
            f"{', '.join(roles.values())}; set data.user_column and data.item_column"
        )
    return InteractionFile(header, roles)


def has_interactions(header: Header) -> bool:
    """Whether the columns of a user and of an item are known by their names."""
    return header.find("user") is not None and header.find("item") is not None


def _named(config: DataConfig) -> list[str]:
    names = (config.user_column, config.item_column, config.rating_column, config.timestamp_column)
    return [name for name in names if name]


def _positions(header: Header) -> dict[str, str]:
    """The roles of columns without names, by position: user, item, rating, time."""
    if header.first_line != 1 or header.file.kind != "text":
        return {}
    roles = ["user", "item", "rating", "time"]
    if len(header.columns) == 3 and _is_time(header.first_values[2]):
        roles.remove("rating")
    return dict(zip(roles, header.columns, strict=False))


def _is_time(text: str) -> bool:
    return number_of(text) >= _FIRST_TIME


def _guesses(config: DataConfig, files: Sequence[InteractionFile]) -> list[str]:
    """The columns that were not configured, in words; one line for all files with the same columns."""
    keys = {
        "user": config.user_column,
        "item": config.item_column,
        "rating": config.rating_column,
        "time": config.timestamp_column,
    }
    lines = []
    for file in files:
        found = [f"{role} = {column!r}" for role, column in file.roles.items() if keys[role] is None]
        how = "by name" if file.header.first_line == 2 or file.header.file.kind == "json" else "by position"
        if found:
            lines.append(f"columns found {how}: {', '.join(found)}")
    return list(dict.fromkeys(lines))


def _items(
    config: DataConfig, directory: Path, engine: Engine, malformed: MalformedLines
) -> dict[str, ItemText]:
    if config.items is None:
        return {}
    texts: dict[str, ItemText] = {}
    for file in find_files(directory, config.items, config.encoding, engine):
        wanted = [name for name in (config.title_column, config.genres_column) if name]
        header = read_header(file, wanted, delimiter_beside(config.delimiter))
        columns = _item_columns(config, header)
        texts |= read_item_texts(engine, header, columns, malformed, separator=config.genre_separator)
    return texts


def _item_columns(config: DataConfig, header: Header) -> dict[str, str]:
    ids = (config.items_id_column, config.item_column, header.find("item"), _id_column(header))
    item = config.items_id_column or next((name for name in ids if name in header.columns), None)
    title = config.title_column or header.find("title")
    genres = config.genres_column if config.genres_column is not None else header.find("genres")
    if item is None:
        raise header.missing(config.item_column or "item")
    columns = {"item": header.column(item)}
    columns |= {"title": header.column(title)} if title else {}
    return columns | ({"genres": header.column(genres)} if genres else {})


def _id_column(header: Header) -> str | None:
    return next((name for name in header.columns if name.lower() == "id"), None)


__all__ = ["has_interactions", "read_tables"]
