"""Interactions from arrays and data frames, in the form that all readers return."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.moments import MILLION, Clock
from hanji.training.recommenders.data.raw import (
    LATEST_TIME,
    Coded,
    Ids,
    ItemText,
    RawData,
    coded,
)
from hanji.training.recommenders.data.sources.header import known_column
from hanji.training.recommenders.data.sources.items import genres_of_all
from hanji.training.recommenders.data.sources.malformed import MalformedLines

if TYPE_CHECKING:
    import pyarrow as pa


def raw_from_arrays(
    users: Any,
    items: Any,
    ratings: Any,
    timestamps: Any,
    titles: Mapping[Any, str],
    genres: Mapping[Any, Sequence[str]],
) -> RawData:
    """Convert arrays of the same length, and texts by item id; DataError names the invalid argument."""
    user_ids, item_ids = _ids(users, "users"), _ids(items, "items")
    if not len(user_ids):
        raise DataError("users: expected interactions, found an empty array")
    if len(item_ids) != len(user_ids):
        raise DataError(f"items: expected {len(user_ids):,} ids, as many as users, found {len(item_ids):,}")
    raw = coded(
        user_ids,
        item_ids,
        None if ratings is None else _numbers(ratings, "ratings", len(user_ids)),
        *((None,) if timestamps is None else _times(timestamps, "timestamps", len(user_ids))),
    )
    texts = {
        str(item): ItemText(str(titles.get(item, "")), tuple(genres.get(item, ())))
        for item in titles.keys() | genres.keys()
    }
    return _raw_data(raw, texts)


def raw_from_dataframe(frame: Any, items: Any, config: DataConfig) -> RawData:
    """Convert the columns that ``config`` names; ``items`` is a frame of titles and genres, or None."""
    table = _table(frame, "frame")
    user, item, rating, time = _columns(table, config)
    user_ids, item_ids = _ids(*_named(table, user)), _ids(*_named(table, item))
    if not len(user_ids):
        raise DataError("frame: expected interactions, found no rows")
    ratings = _numbers(*_named(table, rating), len(user_ids)) if rating else None
    times = _times(*_named(table, time), len(user_ids)) if time else (None,)
    raw = coded(user_ids, item_ids, ratings, *times)
    return _raw_data(raw, {} if items is None else _texts(_table(items, "items"), config))


def _columns(table: pa.Table, config: DataConfig) -> tuple[str, str, str | None, str | None]:
    """The columns of user, item, rating and time: as configured, or found by their names."""
    names = table.column_names
    rating, time = config.rating_column, config.timestamp_column
    if rating is None and config.minimum_rating is not None:
        rating = known_column(names, "rating")
    return (
        config.user_column or known_column(names, "user") or "user",
        config.item_column or known_column(names, "item") or "item",
        rating,
        known_column(names, "time") if time is None else time,
    )


def _raw_data(interactions: Coded, texts: Mapping[str, ItemText]) -> RawData:
    lines = MalformedLines(0)
    lines.lines = len(interactions.users)
    return RawData("memory", "", interactions, texts, lines)


def _ids(values: Any, where: str) -> Ids:
    """int64[n] for integers, object[n] of str for text."""
    array = np.asarray(values)
    if array.dtype.kind == "U" and not hasattr(values, "__array__"):
        array = np.asarray(values, object)  # NumPy would convert the integers of a mixed list to text
    if array.ndim != 1:
        raise DataError(f"{where}: expected a 1-D array of ids, found the shape {list(array.shape)}")
    if np.issubdtype(array.dtype, np.integer) or not len(array):
        return array.astype(np.int64)
    if array.dtype.kind in "UT":
        return array.astype(object)
    if array.dtype == object:
        return _object_ids(array, where)
    raise DataError(
        f"{where}: expected integers or text, found {array.dtype}; convert them, for instance by astype(int)"
    )


def _object_ids(values: NDArray[Any], where: str) -> Ids:
    types = {type(value) for value in values}
    if all(issubclass(kind, str) for kind in types):
        return values
    if types and all(issubclass(kind, int | np.integer) and kind is not bool for kind in types):
        return values.astype(np.int64)
    row = next(
        index
        for index, value in enumerate(values)
        if not isinstance(value, str | int | np.integer) or not isinstance(value, type(values[0]))
    )
    raise DataError(
        f"{where}: expected either only integers or only text, found {values[row]!r} in row {row}; "
        "drop or convert it"
    )


def _numbers(values: Any, where: str, count: int) -> NDArray[np.float64]:
    array = np.asarray(values)
    if array.shape != (count,):
        raise DataError(f"{where}: expected {count:,} numbers, found the shape {list(array.shape)}")
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{where}: expected numbers, found {array.dtype}") from None
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise DataError(f"{where}: expected numbers, found {array[row]} in row {row}; drop such rows")
    return numbers


def _times(values: Any, where: str, count: int) -> tuple[NDArray[np.int64], Clock]:
    """Timestamps as integers; fractional ones in millionths, which keeps their order and distances."""
    array = np.asarray(values)
    are_dates = np.issubdtype(array.dtype, np.datetime64)
    if are_dates:
        if np.isnat(array).any():
            row = int(np.flatnonzero(np.isnat(array))[0])
            raise DataError(f"{where}: expected a time, found none in row {row}; drop such rows")
        array = array.astype("datetime64[us]").astype(np.int64)
    numbers = _numbers(array, where, count)
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(np.int64), Clock(are_dates, MILLION if are_dates else 1)
    fractions = bool((numbers != np.round(numbers)).any())
    factor = MILLION if fractions else 1
    if np.abs(numbers).max(initial=0) >= LATEST_TIME / factor:
        raise DataError(
            f"{where}: expected times below {LATEST_TIME / factor:.3g}, found {numbers.max():.3g}"
        )
    return np.round(numbers * factor).astype(np.int64), Clock(scale=factor)


def _table(frame: Any, where: str) -> pa.Table:
    """Convert a data frame to a PyArrow table."""
    import pyarrow as pa
    from pyarrow import interchange

    if isinstance(frame, pa.Table):
        return frame
    if hasattr(frame, "__arrow_c_stream__"):
        return pa.table(frame)
    if hasattr(frame, "__dataframe__"):
        return interchange.from_dataframe(frame)
    raise DataError(
        f"{where}: expected a data frame, with __arrow_c_stream__ or __dataframe__, "
        f"found {type(frame).__name__}"
    )


def _named(table: pa.Table, name: str) -> tuple[Any, str]:
    """A column of the interactions frame, and its name for error messages."""
    return _column(table, name, "frame"), f"frame[{name!r}]"


def _column(table: pa.Table, name: str, where: str) -> Any:
    """The values of a column as a NumPy array."""
    if name not in table.column_names:
        raise DataError(
            f"{where}: expected a column {name!r}, found {', '.join(table.column_names)}; "
            "set its name in the config"
        )
    column = table.column(name).combine_chunks()
    if column.null_count:
        row = column.is_null().to_pylist().index(True)
        raise DataError(f"{where}[{name!r}]: expected a value, found none in row {row}; drop such rows")
    if hasattr(column, "dictionary_decode"):
        column = column.dictionary_decode()
    return column.to_numpy(zero_copy_only=False)


def _texts(table: pa.Table, config: DataConfig) -> dict[str, ItemText]:
    names = table.column_names
    named = (config.item_column, known_column(names, "item"), "id")
    item = config.items_id_column or next((name for name in named if name and name in names), "item")
    title = config.title_column or known_column(names, "title")
    ids = _ids(_column(table, item, "items"), f"items[{item!r}]").tolist()
    titles = [""] * len(ids) if title is None else _column(table, title, "items").tolist()
    column = known_column(names, "genres") if config.genres_column is None else config.genres_column
    genres = _genres(table, column, config.genre_separator) if column else [()] * len(ids)
    return {
        str(item): ItemText(str(title), names) for item, title, names in zip(ids, titles, genres, strict=True)
    }


def _genres(table: pa.Table, name: str, separator: str | None) -> list[tuple[str, ...]]:
    """Genres from lists or from text; empty if there is no value."""
    if name not in table.column_names:
        raise DataError(f"items: expected a column {name!r}, found {', '.join(table.column_names)}")
    texts = [
        value if isinstance(value, str) else json.dumps(value or [])
        for value in table.column(name).to_pylist()
    ]
    return genres_of_all(texts, separator)


__all__ = ["raw_from_arrays", "raw_from_dataframe"]
