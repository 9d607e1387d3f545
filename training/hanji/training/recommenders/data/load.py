"""From a config and a directory to a Dataset."""

from __future__ import annotations

from pathlib import Path

from hanji.training.errors import DataError
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.dataset import Dataset, dataset_from
from hanji.training.recommenders.data.delimited import read_delimited
from hanji.training.recommenders.data.detect import detect_format
from hanji.training.recommenders.data.movielens import (
    read_movielens_1m,
    read_movielens_100k,
    read_movielens_csv,
)
from hanji.training.recommenders.data.ncf import read_ncf
from hanji.training.recommenders.data.raw import RawData
from hanji.training.recommenders.data.synthetic import make_synthetic


def load_dataset(config: DataConfig, directory: Path | None) -> Dataset:
    """Read, check, clean and split the data; the same config and files give the same dataset.

    `directory` holds the files; None for the synthetic catalogue, which has none.
    Raises DataError if the data cannot be used, with the file, the line and what to try.
    """
    if config.format == "synthetic":
        if directory is not None:
            raise DataError(
                f'data.format is "synthetic", which reads no files, yet the directory {directory} was given; '
                'set data.format = "auto" and data.name to use it, or leave it out'
            )
        return make_synthetic(config)
    if config.format == "memory":
        raise DataError(
            'data.format is "memory": the data came from Python arrays and is in no file; give the dataset '
            "itself, or set data.format to read files"
        )
    if directory is None:
        raise DataError(
            f'data.format is "{config.format}", which needs a directory with the files; give it as --data'
        )
    return dataset_from(config, _read(config, directory))


def _read(config: DataConfig, directory: Path) -> RawData:
    chosen = detect_format(config, directory) if config.format == "auto" else config.format
    if chosen == "ncf":
        return read_ncf(config, directory)
    if chosen == "movielens-1m":
        return read_movielens_1m(config, directory)
    if chosen == "movielens-100k":
        return read_movielens_100k(config, directory)
    if chosen == "movielens-csv":
        return read_movielens_csv(config, directory)
    return read_delimited(config, directory)
