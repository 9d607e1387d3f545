"""MovieLens as published: `ratings.dat` (1M), `u.data` (100K) and `ratings.csv` (the later ones).

Every rating is an interaction unless the config sets `minimum_rating`. The file of titles may be missing;
items are then shown by their ids.
"""

from __future__ import annotations

from pathlib import Path

from hanji.training.files import file_names, read_source
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.item_files import read_item_table, read_movies_dat, read_u_item
from hanji.training.recommenders.data.lines import Layout, read_ratings
from hanji.training.recommenders.data.raw import MalformedLines, RawData
from hanji.training.recommenders.data.table import open_table

MOVIELENS_LICENCE = "MovieLens (GroupLens): research only, no commercial use, no redistribution"


def read_movielens_1m(config: DataConfig, directory: Path) -> RawData:
    """`ratings.dat` (user::item::rating::time) and `movies.dat`."""
    path, malformed = directory / "ratings.dat", MalformedLines(config.malformed_limit)
    layout = Layout(delimiter="::", width=4, integer_ids=True)
    ratings = read_ratings(path, read_source(path), layout, malformed)
    titles = directory / "movies.dat"
    items = read_movies_dat(titles, malformed) if titles.name in file_names(directory) else {}
    return RawData("movielens-1m", MOVIELENS_LICENCE, ratings, items, malformed)


def read_movielens_100k(config: DataConfig, directory: Path) -> RawData:
    """`u.data` (tab-separated user, item, rating, time) and `u.item`."""
    path, malformed = directory / "u.data", MalformedLines(config.malformed_limit)
    layout = Layout(delimiter="\t", width=4, integer_ids=True)
    ratings = read_ratings(path, read_source(path), layout, malformed)
    titles = directory / "u.item"
    items = read_u_item(titles, malformed) if titles.name in file_names(directory) else {}
    return RawData("movielens-100k", MOVIELENS_LICENCE, ratings, items, malformed)


def read_movielens_csv(config: DataConfig, directory: Path) -> RawData:
    """`ratings.csv` (userId, movieId, rating, timestamp) and `movies.csv` (movieId, title, genres)."""
    malformed = MalformedLines(config.malformed_limit)
    table = open_table(directory / "ratings.csv", ["userId", "movieId", "rating", "timestamp"])
    layout = Layout(
        delimiter=table.delimiter,
        width=len(table.columns),
        user=table.position("userId"),
        item=table.position("movieId"),
        rating=table.position("rating"),
        timestamp=table.position("timestamp"),
        integer_ids=True,
        quoted=True,
        first_line=2,
    )
    ratings = read_ratings(table.path, table.body, layout, malformed)
    titles = directory / "movies.csv"
    items = {}
    if titles.name in file_names(directory):
        movies = open_table(titles, ["movieId", "title", "genres"])
        items = read_item_table(movies, malformed, item="movieId", title="title", genres="genres")
    return RawData("movielens-csv", MOVIELENS_LICENCE, ratings, items, malformed)
