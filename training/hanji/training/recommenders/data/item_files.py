"""Titles and genres of items, from the files that accompany ratings."""

from __future__ import annotations

from pathlib import Path

from hanji.training.files import decode, read_source
from hanji.training.recommenders.data.lines import split_lines
from hanji.training.recommenders.data.raw import ItemText, MalformedLines
from hanji.training.recommenders.data.table import Table

_NO_GENRES = "(no genres listed)"  # how MovieLens writes an empty list

_FLAGS = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
"""The genre columns of u.item, in order."""


def read_movies_dat(path: Path, malformed: MalformedLines) -> dict[str, ItemText]:
    """MovieLens-1M's movies.dat: `id::title::genre|genre`, latin-1."""
    texts = {}
    for number, fields in _latin_lines(path, "::", malformed):
        if len(fields) == 3:
            texts[fields[0].strip()] = ItemText(fields[1].strip(), _genres(fields[2], "|"))
        else:
            malformed.add(path, number, f"expected id::title::genres, found {len(fields)} fields")
    return texts


def read_u_item(path: Path, malformed: MalformedLines) -> dict[str, ItemText]:
    """MovieLens-100K's u.item: `id|title|date|video date|url` and 19 genre flags, latin-1."""
    texts = {}
    for number, fields in _latin_lines(path, "|", malformed):
        if len(fields) == 5 + len(_FLAGS):
            genres = tuple(name for name, flag in zip(_FLAGS, fields[5:], strict=True) if flag.strip() == "1")
            texts[fields[0].strip()] = ItemText(fields[1].strip(), genres)
        else:
            malformed.add(
                path, number, f"expected {5 + len(_FLAGS)} fields separated by '|', found {len(fields)}"
            )
    return texts


def read_item_table(
    table: Table,
    malformed: MalformedLines,
    *,
    item: str,
    title: str,
    genres: str | None,
    separator: str = "|",
) -> dict[str, ItemText]:
    """Titles and genres from a table with the columns `item`, `title` and, unless None, `genres`."""
    item_at, title_at = table.position(item), table.position(title)
    genres_at = None if genres is None else table.position(genres)
    texts = {}
    for number, fields in table.lines(malformed):
        if len(fields) != len(table.columns):
            malformed.add(table.path, number, f"expected {len(table.columns)} fields, found {len(fields)}")
            continue
        item_genres = () if genres_at is None else _genres(fields[genres_at], separator)
        texts[fields[item_at].strip()] = ItemText(fields[title_at].strip(), item_genres)
    return texts


def _latin_lines(path: Path, delimiter: str, malformed: MalformedLines) -> list[tuple[int, list[str]]]:
    text = decode(read_source(path), path, "latin-1")
    return list(split_lines(path, text, delimiter, 1, False, malformed))


def _genres(text: str, separator: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(separator) if (name := part.strip()) and name != _NO_GENRES)
