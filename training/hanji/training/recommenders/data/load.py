"""Loads a Dataset from a config and a directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hanji.training.errors import DataError
from hanji.training.files import source_directory
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.dataset import Dataset, dataset_from
from hanji.training.recommenders.data.held_out import check_split
from hanji.training.recommenders.data.raw import RawData
from hanji.training.recommenders.data.sources.detect import detect_format
from hanji.training.recommenders.data.sources.engine import Engine, open_engine
from hanji.training.recommenders.data.sources.files import is_uri
from hanji.training.recommenders.data.sources.movielens import (
    read_movielens_100k,
    read_movielens_csv,
    read_movielens_dat,
)
from hanji.training.recommenders.data.sources.ncf import read_ncf
from hanji.training.recommenders.data.sources.sequences import (
    read_lightgcn,
    read_netflix,
    read_pairs,
    read_sequences,
)
from hanji.training.recommenders.data.sources.spark import OTHERWISE
from hanji.training.recommenders.data.sources.tables import read_tables
from hanji.training.recommenders.data.sources.users import with_users
from hanji.training.recommenders.data.synthetic import make_synthetic

if TYPE_CHECKING:
    from hanji.training.spark import Spark

READERS: Mapping[str, Callable[[DataConfig, Path, Engine], RawData]] = {
    "table": read_tables,
    "csv": read_tables,
    "ncf": read_ncf,
    "movielens-1m": read_movielens_dat,
    "movielens-100k": read_movielens_100k,
    "movielens-csv": read_movielens_csv,
    "pairs": read_pairs,
    "sequences": read_sequences,
    "lightgcn": read_lightgcn,
    "netflix": read_netflix,
}


SPARK_FORMATS = ("table", "csv", "ncf", "movielens-1m", "movielens-100k", "movielens-csv")
"""Formats whose interactions Spark can read."""


def load_dataset(config: DataConfig, directory: Path | None, spark: Spark | None = None) -> Dataset:
    """Read, check, clean and split the data; the same config and files give the same dataset.

    `directory` contains the files; None for the synthetic catalogue, which has none. The interactions are
    read by `spark`, or without it by DuckDB, with the same result.
    Raises DataError for unusable data, naming the file, the line and what to try.
    """
    if directory is None and config.ratings is not None and is_uri(config.ratings):
        directory = Path()
    found = source_directory(config.format, directory, built_in="synthetic", for_files="auto")
    if found is None:
        return make_synthetic(config)
    detected = detect_format(config, found) if config.format == "auto" else config
    if spark is not None:
        _expect_served(detected)
    check_split(detected)
    if detected.format == "prepared":
        from hanji.training.recommenders.data.prepared import read_prepared  # imports PyArrow

        return read_prepared(config, found)
    return dataset_from(config, _read(config, detected, found, spark))


def _expect_served(config: DataConfig) -> None:
    """DataError for a format that Spark does not read."""
    names = (config.ratings, config.items)
    if any(name is not None and is_uri(name) for name in names):
        problem = "addresses such as s3://, only files that all workers see under one path"
    elif config.format not in SPARK_FORMATS:
        problem = (
            f'the format "{config.format}", but tables of CSV, TSV, JSON lines or Parquet, and MovieLens'
        )
    else:
        return
    raise DataError(f"Spark does not read {problem}; {OTHERWISE}")


def _read(config: DataConfig, detected: DataConfig, directory: Path, spark: Spark | None) -> RawData:
    """The contents of the files; ``detected`` is the config with their format."""
    with open_engine(spark) as engine:
        raw = with_users(READERS[detected.format](detected, directory, engine), config, directory, engine)
    if detected.ratings == config.ratings:
        return raw
    files = ", ".join(name for name in (detected.ratings, detected.items) if name)
    return replace(raw, notes=(f"files found by their columns: {files}", *raw.notes))
