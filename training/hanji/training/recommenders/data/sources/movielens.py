"""MovieLens as published: `u.data` (100K), `ratings.dat` (1M, 10M) and `ratings.csv` (20M and later).

Every rating is an interaction unless the config sets `minimum_rating`. The file of titles may be missing;
items are then shown by their ids.
"""

from __future__ import annotations

from pathlib import Path

from hanji.training.files import file_names
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.raw import ItemText, RawData
from hanji.training.recommenders.data.sources.engine import Engine
from hanji.training.recommenders.data.sources.files import SourceFile, open_bytes, source_file
from hanji.training.recommenders.data.sources.header import Header, read_header
from hanji.training.recommenders.data.sources.interactions import read_interactions
from hanji.training.recommenders.data.sources.items import read_item_texts, read_texts
from hanji.training.recommenders.data.sources.malformed import MalformedLines
from hanji.training.recommenders.data.sources.rows import InteractionFile
from hanji.training.recommenders.data.sources.values import Options

MOVIELENS_LICENCE = "MovieLens (GroupLens): research only, no commercial use, no redistribution"

_FOUR = ("user", "item", "rating", "time")
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


def four_columns(path: Path, delimiter: str) -> InteractionFile:
    """A file without a header and with the columns user, item, rating and time."""
    return InteractionFile(
        Header(source_file(path), _FOUR, delimiter, 1), dict(zip(_FOUR, _FOUR, strict=True))
    )


def read_movielens_dat(config: DataConfig, directory: Path, engine: Engine) -> RawData:
    """`ratings.dat` (user::item::rating::time) and `movies.dat` (id::title::genre|genre)."""
    malformed = MalformedLines(config.malformed_limit)
    file = four_columns(directory / "ratings.dat", "::")
    read = read_interactions(engine, [file], malformed, Options(integer_ids=True))
    titles, items = directory / "movies.dat", {}
    if titles.name in file_names(directory):
        columns = ("item", "title", "genres")
        header = Header(latin_or_utf8(titles), columns, "::", 1)
        items = read_item_texts(engine, header, {name: name for name in columns}, malformed, separator="|")
    return RawData("movielens-1m", MOVIELENS_LICENCE, read.coded, items, malformed, notes=read.notes)


def read_movielens_100k(config: DataConfig, directory: Path, engine: Engine) -> RawData:
    """`u.data` (tab-separated user, item, rating, time) and `u.item`."""
    malformed = MalformedLines(config.malformed_limit)
    file = four_columns(directory / "u.data", "\t")
    read = read_interactions(engine, [file], malformed, Options(integer_ids=True))
    titles = directory / "u.item"
    items = _read_u_item(titles, engine, malformed) if titles.name in file_names(directory) else {}
    return RawData("movielens-100k", MOVIELENS_LICENCE, read.coded, items, malformed, notes=read.notes)


def read_movielens_csv(config: DataConfig, directory: Path, engine: Engine) -> RawData:
    """`ratings.csv` (userId, movieId, rating, timestamp) and `movies.csv` (movieId, title, genres)."""
    malformed = MalformedLines(config.malformed_limit)
    roles = {"user": "userId", "item": "movieId", "rating": "rating", "time": "timestamp"}
    header = read_header(source_file(directory / "ratings.csv"), list(roles.values()))
    file = InteractionFile(header, header.columns_of(roles))
    read = read_interactions(engine, [file], malformed, Options(integer_ids=True))
    titles, items = directory / "movies.csv", {}
    if titles.name in file_names(directory):
        columns = {"item": "movieId", "title": "title", "genres": "genres"}
        movies = read_header(source_file(titles), list(columns.values()))
        items = read_item_texts(engine, movies, movies.columns_of(columns), malformed, separator="|")
    return RawData("movielens-csv", MOVIELENS_LICENCE, read.coded, items, malformed, notes=read.notes)


def _read_u_item(path: Path, engine: Engine, malformed: MalformedLines) -> dict[str, ItemText]:
    """`id|title|date|video date|url` and 19 genre flags."""
    columns = ("item", "title", "released", "video released", "url", *_FLAGS)
    header = Header(latin_or_utf8(path), columns, "|", 1, plain=True)
    rows = read_texts(
        engine, header, {name: name for name in ("item", "title", *_FLAGS)}, malformed, key="item"
    )
    return {
        row["item"] or "": ItemText(row["title"] or "", tuple(name for name in _FLAGS if row[name] == "1"))
        for row in rows
    }


def latin_or_utf8(path: Path) -> SourceFile:
    """The file as UTF-8 if it is valid, as in 10M; else as Latin-1, as in the older ones."""
    file = source_file(path)
    with open_bytes(path) as stream:
        try:
            stream.read().decode()
        except UnicodeDecodeError:
            return source_file(path, "latin-1")
    return file


__all__ = [
    "MOVIELENS_LICENCE",
    "four_columns",
    "latin_or_utf8",
    "read_movielens_100k",
    "read_movielens_csv",
    "read_movielens_dat",
]
