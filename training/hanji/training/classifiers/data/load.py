"""Loads an ImageDataset from a config and a directory."""

from __future__ import annotations

from pathlib import Path

from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.dataset import ImageDataset, dataset_from
from hanji.training.classifiers.data.digits import read_digits
from hanji.training.classifiers.data.folder import read_folder
from hanji.training.classifiers.data.idx import read_idx
from hanji.training.classifiers.data.npz import read_npz
from hanji.training.classifiers.data.parts import RawImages
from hanji.training.errors import DataError


def load_images(config: ImageDataConfig, directory: Path | None, *, seed: int) -> ImageDataset:
    """Read, check, prepare and split the images; the same config, files and seed give the same dataset.

    `directory` contains the files; None for the digits, which come with scikit-learn.
    Raises DataError for unusable data, naming the file and what to try.
    """
    return dataset_from(config, _read(config, directory), seed=seed)


def _read(config: ImageDataConfig, directory: Path | None) -> RawImages:
    if config.format == "digits":
        if directory is not None:
            raise DataError(
                f'data.format is "digits", which reads no files, but the directory {directory} was given; '
                'set data.format = "folder" and data.name to use it, or omit it'
            )
        return read_digits(config)
    if config.format == "memory":
        raise DataError(
            'data.format is "memory": the data came from Python arrays, not from files; pass the dataset '
            "itself, or set data.format to read files"
        )
    if directory is None:
        raise DataError(
            f'data.format is "{config.format}", which needs a directory with the files; pass it as --data'
        )
    reader = {"folder": read_folder, "idx": read_idx, "npz": read_npz}[config.format]
    return reader(config, directory)
