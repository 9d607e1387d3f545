"""The `[data]` table of a recipe: where the interactions come from and how they are split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

NEGATIVES = 99
"""Sampled negatives beside each held-out positive: a model ranks 100 candidates."""

Format = Literal[
    "auto", "synthetic", "ncf", "movielens-1m", "movielens-100k", "movielens-csv", "csv", "memory"
]


@dataclass(frozen=True)
class DataConfig:
    """How to read, clean and split the interactions; raises ValueError for values that make no sense."""

    name: str = "synthetic"
    """What reports and bundles call the data; "synthetic" is kept for the synthetic catalogue."""

    format: Format = "synthetic"
    """"auto" decides by the names of the files in the directory."""

    ratings: str | None = None
    """Name of the ratings file: needed for "csv"; for "ncf" the `.train.rating` where there are several."""

    user_column: str = "user"
    item_column: str = "item"
    """Column names in the header of a "csv" file; the items file names its id column the same way."""

    rating_column: str | None = None
    timestamp_column: str | None = None
    """Seconds, or any number that grows with time. Without it the held-out item is a random one."""

    delimiter: str | None = None
    """One character; None takes the one of comma, tab, semicolon and pipe that the header is made with."""

    items: str | None = None
    """For "csv": the file with a title for each item."""

    title_column: str = "title"
    genres_column: str | None = None
    genre_separator: str = "|"

    minimum_rating: float | None = None
    """Lower ratings are left out; None takes every rating as an interaction (implicit feedback)."""

    minimum_user_interactions: int = 1
    minimum_item_interactions: int = 1
    """Users and items with fewer are dropped, again and again until none is left."""

    malformed_limit: int = 100
    """More malformed lines than this stop the reading."""

    seed: int = 0
    """Of the sampled test negatives, of held-out items without a time, and of the synthetic catalogue."""

    licence: str = ""
    """Terms of the data as bundles should state them; empty takes what is known of the format."""

    synthetic_users: int = 2000
    synthetic_items: int = 1000
    synthetic_interactions_per_user: int = 60
    """Size of the synthetic catalogue; the interactions are the mean over the users."""

    task: ClassVar[str] = "recommendation"

    def __post_init__(self) -> None:
        _check_names(self)
        _at_least(self, "minimum_user_interactions", 1)
        _at_least(self, "minimum_item_interactions", 1)
        _at_least(self, "malformed_limit", 0)
        _at_least(self, "seed", 0)
        _at_least(self, "synthetic_users", 10)
        _at_least(self, "synthetic_interactions_per_user", 5)
        _at_least(self, "synthetic_items", NEGATIVES + 1 + 3 * self.synthetic_interactions_per_user)


def _check_names(config: DataConfig) -> None:
    if config.format != "synthetic" and config.name == "synthetic":
        raise ValueError(
            f'name: "synthetic" is kept for format = "synthetic", and the format here is "{config.format}"; '
            "give the data a name of its own"
        )
    if config.format == "csv" and config.ratings is None:
        raise ValueError(
            'ratings: format = "csv" needs the name of the ratings file within the data directory'
        )
    if config.format == "csv" and config.minimum_rating is not None and config.rating_column is None:
        raise ValueError("minimum_rating: needs rating_column, the column that holds the ratings")
    if config.user_column == config.item_column:
        raise ValueError(
            f"user_column and item_column: expected two columns, found {config.user_column!r} twice"
        )
    if config.delimiter is not None and (len(config.delimiter) != 1 or config.delimiter in '\r\n"'):
        raise ValueError(
            f"delimiter: expected one character that is no quote or line end, found {config.delimiter!r}"
        )
    if not config.genre_separator:
        raise ValueError("genre_separator: expected at least one character, found none")


def _at_least(config: DataConfig, field: str, minimum: int) -> None:
    value = getattr(config, field)
    if value < minimum:
        raise ValueError(f"{field}: expected at least {minimum}, found {value}")
