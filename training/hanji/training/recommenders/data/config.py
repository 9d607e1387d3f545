"""The ``[data]`` table of a recipe: where the interactions come from and how they are split."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Interval, Unit

from hanji.training.recommenders.data.moments import parse_moment
from hanji.training.settings import Count, check_ranges

NEGATIVES = 99
"""Sampled negatives beside each held-out positive: a model ranks 100 candidates."""

HeldOut = Literal["last", "random", "time", "given"]

PREPARED = "prepared.json"
"""The file by which prepared data is recognized."""

Format = Literal[
    "auto",
    "synthetic",
    "table",
    "csv",
    "ncf",
    "movielens-1m",
    "movielens-100k",
    "movielens-csv",
    "pairs",
    "sequences",
    "lightgcn",
    "netflix",
    "prepared",
    "memory",
]


@dataclass(frozen=True)
class DataConfig:
    """How to read, clean and split the interactions; raises ValueError for values out of range."""

    name: str = "synthetic"
    """Name of the data in reports and bundles; "synthetic" is reserved for the synthetic catalogue."""

    format: Format = "synthetic"
    """Format of the files. "auto" decides by their names and first lines. "table": CSV, TSV, JSON lines,
    Parquet or RecBole's files, of which "csv" is another name. "pairs": lines "user item" in time order, as
    SASRec has them. "sequences": lines "user item item …" in time order, as S3-Rec has them. "lightgcn": the
    same without an order, as train.txt and test.txt. "netflix": lines "user,rating,date" below "item:".
    "prepared": a directory written by ``hanji data prepare``. "memory" is set by ``Dataset.from_arrays``."""

    ratings: str | None = None
    """The ratings file of a "table": a name, a folder, a pattern such as ``2024-*.csv.gz`` or a URI such
    as ``s3://bucket/folder``; for "ncf" the ``.train.rating`` file if there are several. Files may be
    compressed (.gz, .zst)."""

    user_column: str | None = None
    """Column of the user ids; without it, it is found by its name: user, userId, user_id, reader and
    others."""

    item_column: str | None = None
    """Column of the item ids; without it, it is found by its name: item, movieId, book_id, ISBN, asin and
    others."""

    rating_column: str | None = None
    """Column of the ratings; without it every line is an interaction, and with ``minimum_rating`` it is found
    by its name."""

    timestamp_column: str | None = None
    """Column of the times; without it, it is found by its name. "" to do without times: the held-out item of
    each user is then a random one."""

    timestamp_format: str | None = None
    """Format of the times as in strptime, such as "%d/%m/%Y %H:%M"; without it, numbers that grow with time
    and ISO 8601 are read, in UTC unless they name a time zone."""

    header: bool | None = None
    """Whether the first line has the names of the columns; without it, it has unless it has only numbers. The
    columns of a file without a header are "1", "2" and so on."""

    delimiter: str | None = None
    """One character between the columns; without it, the one of comma, tab, semicolon and pipe that the
    header contains. In tab-separated files a quote is a character like any other."""

    encoding: str | None = None
    """Encoding of text files, such as "cp949"; without it UTF-8, or UTF-16 if they start with its mark."""

    items: str | None = None
    """File with a title for each item, a name or a pattern."""

    items_id_column: str | None = None
    """Column of the ids in the items file; without it ``item_column``, or it is found by its name."""

    title_column: str | None = None
    """Column of the titles in the items file; without it, it is found by its name."""

    genres_column: str | None = None
    """Column of the genres in the items file; without it, it is found by its name. "" to do without."""

    genre_separator: str | None = None
    """Character or characters between the genres of an item; without it the first of pipe, semicolon and
    comma that occurs. Lists, in JSON or as Python writes them, need none."""

    users: str | None = None
    """File with attributes of users, such as gender or age group, a name or a pattern. `hanji evaluate` and
    studies report metrics by group; models do not see them, and bundles do not contain them."""

    users_id_column: str | None = None
    """Column of the ids in the users file; without it ``user_column``, or it is found by its name."""

    user_attributes: tuple[str, ...] = ()
    """Columns of the users file by which metrics are reported; empty: all with 2 to 12 different values."""

    cold_items: bool = False
    """Keep items of the items file that nobody interacted with. They are not trained on and are no candidates
    in evaluations; a ``history`` model predicts their embeddings from their genres and titles."""

    minimum_rating: float | None = None
    """Lower ratings are dropped; without it every rating is an interaction (implicit feedback)."""

    minimum_user_interactions: Annotated[Count, Unit("interactions")] = 1
    """Users with fewer interactions are dropped, repeatedly until no user or item has too few."""

    minimum_item_interactions: Annotated[Count, Unit("interactions")] = 1
    """Items with fewer interactions are dropped, repeatedly until no user or item has too few."""

    malformed_limit: Annotated[int, Ge(0), Unit("lines")] = 100
    """Malformed lines that are skipped and reported; with more, reading stops with an error."""

    split: HeldOut = "last"
    """What is held out for the test. "last": each user's last interactions in time, random ones without
    times; of "ncf" and "lightgcn", the test files. "random": random interactions of each user. "time": all
    interactions from ``test_from`` on, or the last ``test_share`` of them. "given": the test files of the
    format, or of a table the file ``test``."""

    test: str | None = None
    """File of a table's test interactions, with the same columns as the ratings file: a name, a pattern or a
    URI; for ``split = "given"``."""

    test_from: str | None = None
    """First moment of the test of ``split = "time"``: a date or time in ISO 8601, in UTC unless it names a
    zone, such as "2005-04-02", or a number in the unit of the data's times."""

    held_out: Annotated[Count, Unit("interactions")] = 1
    """Interactions of each user that "last" and "random" hold out; at least one remains in training."""

    test_share: Annotated[float, Interval(gt=0.0, lt=1.0)] = 0.1
    """Fraction of the interactions that "time" holds out. Users who begin later are left out."""

    seed: Annotated[int, Ge(0)] = 0
    """Seed of the sampled test negatives, of held-out items without a time, and of the synthetic
    catalogue."""

    licence: str = ""
    """Terms of the data, as bundles should state them; empty: those known for the format."""

    synthetic_users: Annotated[int, Ge(10), Unit("users")] = 2000
    """Users of the synthetic catalogue."""

    synthetic_items: Annotated[Count, Unit("items")] = 1000
    """Items of the synthetic catalogue: at least 100 and 3 times ``synthetic_interactions_per_user``."""

    synthetic_interactions_per_user: Annotated[int, Ge(5), Unit("interactions")] = 60
    """Mean number of interactions per user of the synthetic catalogue."""

    synthetic_order: Annotated[float, Interval(ge=0.0, lt=1.0)] = 0.5
    """Probability that an interaction of the synthetic catalogue follows from the one before it, in a fixed
    sequence of the items of a genre; 0: the interactions of a user have no order."""

    task: ClassVar[str] = "recommendation"

    def __post_init__(self) -> None:
        check_ranges(self)
        _check_names(self)
        _check_files(self)
        _check_split(self)
        least = NEGATIVES + 1 + 3 * self.synthetic_interactions_per_user
        if self.synthetic_items < least:
            raise ValueError(f"synthetic_items: expected at least {least}, found {self.synthetic_items}")


def _check_split(config: DataConfig) -> None:
    for key, value, split in (("test", config.test, "given"), ("test_from", config.test_from, "time")):
        if value is not None and config.split != split:
            raise ValueError(f'{key}: needs split = "{split}", found "{config.split}"')
    if config.test is not None and config.format not in ("auto", "table", "csv"):
        raise ValueError(
            f'test: names the test file of a table, and the format is "{config.format}"; remove it'
        )
    if config.split in ("given", "random", "time") and config.format == "synthetic":
        raise ValueError(
            "split: the last interaction of each user of the synthetic catalogue is held out, found "
            f'"{config.split}"; remove the key'
        )
    if config.test_from is not None:
        try:
            parse_moment(config.test_from)
        except ValueError:
            raise ValueError(
                "test_from: expected a date or time such as 2005-04-02, or a number, "
                f"found {config.test_from!r}"
            ) from None


def _check_names(config: DataConfig) -> None:
    if config.format != "synthetic" and config.name == "synthetic":
        raise ValueError(
            f'name: "synthetic" is reserved for format = "synthetic", and the format here is '
            f'"{config.format}"; choose another name'
        )
    if config.format == "synthetic" and config.cold_items:
        raise ValueError(
            "cold_items: the synthetic catalogue has interactions with all items; remove the key"
        )
    if config.users is None and (config.users_id_column is not None or config.user_attributes):
        key = "users_id_column" if config.users_id_column is not None else "user_attributes"
        raise ValueError(f"{key}: needs the name of the users file; set users")
    if config.users is not None and config.format in ("synthetic", "memory"):
        raise ValueError(f'users: format "{config.format}" reads no files, found {config.users!r}; remove it')
    if config.format in ("csv", "table") and config.ratings is None:
        raise ValueError(
            f'ratings: format = "{config.format}" needs the name of the ratings file in the data directory'
        )
    if config.user_column is not None and config.user_column == (config.item_column or "item"):
        raise ValueError(
            f"user_column and item_column: expected two columns, found {config.user_column!r} twice"
        )
    if config.delimiter is not None and (len(config.delimiter) != 1 or config.delimiter in '\r\n"'):
        raise ValueError(
            f"delimiter: expected one character, not a quote or line end, found {config.delimiter!r}"
        )
    if config.encoding is not None and not _is_encoding(config.encoding):
        raise ValueError(
            f'encoding: expected the name of an encoding, such as "cp949", found {config.encoding!r}'
        )
    if config.genre_separator == "":
        raise ValueError("genre_separator: expected at least one character, found none")


def _check_files(config: DataConfig) -> None:
    """A name is of a file in the directory that the user gives; what is elsewhere has a URI."""
    for key in ("ratings", "items", "users", "test"):
        name = getattr(config, key)
        if name is None:
            continue
        path, is_local = PurePath(name), name.lower().startswith("file:")
        if "://" in name and not is_local:
            continue
        if is_local or path.is_absolute() or ".." in path.parts:
            raise ValueError(
                f"{key}: expected a file in the data directory, found {name!r}; give its directory as "
                "--data, or put the file or a link to it into the data directory"
            )


def _is_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True
