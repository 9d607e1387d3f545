"""Loads a Dataset from a config and a directory."""

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

    `directory` contains the files; None for the synthetic catalogue, which has none.
    Raises DataError for unusable data, naming the file, the line and what to try.
    """
    if config.format == "synthetic":
        if directory is not None:
            raise DataError(
                f'data.format is "synthetic", which reads no files, but the directory {directory} was given; '
                'set data.format = "auto" and data.name to use it, or omit it'
            )
        return make_synthetic(config)
    if config.format == "memory":
        raise DataError(
            'data.format is "memory": the data came from Python arrays, not from files; pass the dataset '
            "itself, or set data.format to read files"
        )
    if directory is None:
        raise DataError(
            f'data.format is "{config.format}", which needs a directory with the files; pass it as --data'
        )
    return dataset_from(config, _read(config, directory))


def _read(config: DataConfig, directory: Path) -> RawData:
    file_format = detect_format(config, directory) if config.format == "auto" else config.format
    if file_format == "ncf":
        return read_ncf(config, directory)
    if file_format == "movielens-1m":
        return read_movielens_1m(config, directory)
    if file_format == "movielens-100k":
        return read_movielens_100k(config, directory)
    if file_format == "movielens-csv":
        return read_movielens_csv(config, directory)
    return read_delimited(config, directory)
