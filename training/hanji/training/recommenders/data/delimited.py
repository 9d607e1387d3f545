"""Any CSV or TSV with a header; the config names the files and the columns."""

from __future__ import annotations

from pathlib import Path

from hanji.training.errors import DataError
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.item_files import read_item_table
from hanji.training.recommenders.data.lines import Layout, read_ratings
from hanji.training.recommenders.data.raw import ItemText, MalformedLines, RawData
from hanji.training.recommenders.data.table import DELIMITERS, open_table


def read_delimited(config: DataConfig, directory: Path) -> RawData:
    """Read `config.ratings` and, if named, `config.items` from the directory."""
    if config.ratings is None:
        raise DataError('data.ratings: format "csv" needs the name of the ratings file')
    required = [config.user_column, config.item_column]
    required += [column for column in (config.rating_column, config.timestamp_column) if column is not None]
    table = open_table(directory / config.ratings, required, delimiters=_delimiters(config) or DELIMITERS)
    layout = Layout(
        delimiter=table.delimiter,
        width=len(table.columns),
        user=table.position(config.user_column),
        item=table.position(config.item_column),
        rating=None if config.rating_column is None else table.position(config.rating_column),
        timestamp=None if config.timestamp_column is None else table.position(config.timestamp_column),
        quoted=True,
        first_line=2,
    )
    malformed = MalformedLines(config.malformed_limit)
    ratings = read_ratings(table.path, table.body, layout, malformed)
    return RawData("csv", "", ratings, _items(config, directory, malformed), malformed)


def _items(config: DataConfig, directory: Path, malformed: MalformedLines) -> dict[str, ItemText]:
    if config.items is None:
        return {}
    required = [config.item_column, config.title_column]
    required += [] if config.genres_column is None else [config.genres_column]
    return read_item_table(
        open_table(directory / config.items, required, delimiters=_delimiters(config) + DELIMITERS),
        malformed,
        item=config.item_column,
        title=config.title_column,
        genres=config.genres_column,
        separator=config.genre_separator,
    )


def _delimiters(config: DataConfig) -> tuple[str, ...]:
    return () if config.delimiter is None else (config.delimiter,)
