"""The ``[data]`` table of a recipe: where the interactions come from and how they are split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Unit

from hanji.training.settings import Count, check_ranges

NEGATIVES = 99
"""Sampled negatives beside each held-out positive: a model ranks 100 candidates."""

Format = Literal[
    "auto", "synthetic", "ncf", "movielens-1m", "movielens-100k", "movielens-csv", "csv", "memory"
]


@dataclass(frozen=True)
class DataConfig:
    """How to read, clean and split the interactions; raises ValueError for values out of range."""

    name: str = "synthetic"
    """Name of the data in reports and bundles; "synthetic" is reserved for the synthetic catalogue."""

    format: Format = "synthetic"
    """Format of the files. "auto" decides by their names; "memory" is set by ``Dataset.from_arrays``."""

    ratings: str | None = None
    """Name of the ratings file: required for "csv"; for "ncf" the ``.train.rating`` file if there are
    several."""

    user_column: str = "user"
    """Column of the user ids in the header of a "csv" file."""

    item_column: str = "item"
    """Column of the item ids in the header of a "csv" file and of its items file."""

    rating_column: str | None = None
    """Column of the ratings in a "csv" file; without it every line is an interaction."""

    timestamp_column: str | None = None
    """Column of the times in a "csv" file: seconds, or any number that grows with time. Without it the
    held-out item of each user is a random one."""

    delimiter: str | None = None
    """One character between the columns of a "csv" file; without it, the one of comma, tab, semicolon and
    pipe that the header contains."""

    items: str | None = None
    """File with a title for each item, for "csv"."""

    title_column: str = "title"
    """Column of the titles in the items file."""

    genres_column: str | None = None
    """Column of the genres in the items file."""

    genre_separator: str = "|"
    """Character or characters between the genres of an item."""

    minimum_rating: float | None = None
    """Lower ratings are dropped; without it every rating is an interaction (implicit feedback)."""

    minimum_user_interactions: Annotated[Count, Unit("interactions")] = 1
    """Users with fewer interactions are dropped, repeatedly until no user or item has too few."""

    minimum_item_interactions: Annotated[Count, Unit("interactions")] = 1
    """Items with fewer interactions are dropped, repeatedly until no user or item has too few."""

    malformed_limit: Annotated[int, Ge(0), Unit("lines")] = 100
    """Malformed lines that are skipped and reported; with more, reading stops with an error."""

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

    task: ClassVar[str] = "recommendation"

    def __post_init__(self) -> None:
        check_ranges(self)
        _check_names(self)
        least = NEGATIVES + 1 + 3 * self.synthetic_interactions_per_user
        if self.synthetic_items < least:
            raise ValueError(f"synthetic_items: expected at least {least}, found {self.synthetic_items}")


def _check_names(config: DataConfig) -> None:
    if config.format != "synthetic" and config.name == "synthetic":
        raise ValueError(
            f'name: "synthetic" is reserved for format = "synthetic", and the format here is '
            f'"{config.format}"; choose another name'
        )
    if config.format == "csv" and config.ratings is None:
        raise ValueError('ratings: format = "csv" needs the name of the ratings file in the data directory')
    if config.format == "csv" and config.minimum_rating is not None and config.rating_column is None:
        raise ValueError("minimum_rating: needs rating_column, the column of the ratings")
    if config.user_column == config.item_column:
        raise ValueError(
            f"user_column and item_column: expected two columns, found {config.user_column!r} twice"
        )
    if config.delimiter is not None and (len(config.delimiter) != 1 or config.delimiter in '\r\n"'):
        raise ValueError(
            f"delimiter: expected one character, not a quote or line end, found {config.delimiter!r}"
        )
    if not config.genre_separator:
        raise ValueError("genre_separator: expected at least one character, found none")
