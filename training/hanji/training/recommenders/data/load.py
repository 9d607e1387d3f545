"""Loads a Dataset from a config and a directory."""

from __future__ import annotations

from pathlib import Path

from hanji.training.files import source_directory
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
    found = source_directory(config.format, directory, built_in="synthetic", for_files="auto")
    return make_synthetic(config) if found is None else dataset_from(config, _read(config, found))


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
