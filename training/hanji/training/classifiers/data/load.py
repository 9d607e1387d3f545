"""Loads an ImageDataset from a config and a directory."""

from __future__ import annotations

from pathlib import Path

from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.dataset import ImageDataset, dataset_from
from hanji.training.classifiers.data.digits import read_digits
from hanji.training.classifiers.data.folder import read_folder
from hanji.training.classifiers.data.idx import read_idx
from hanji.training.classifiers.data.image_files import warn_of_left_out
from hanji.training.classifiers.data.npz import read_npz
from hanji.training.classifiers.data.parts import RawImages
from hanji.training.files import source_directory


def load_images(config: ImageDataConfig, directory: Path | None, *, seed: int) -> ImageDataset:
    """Read, check, prepare and split the images; the same config, files and seed give the same dataset.

    `directory` contains the files; None for the digits, which come with scikit-learn.
    Raises DataError for unusable data, naming the file and what to try. What is left out is logged as
    warnings.
    """
    dataset = dataset_from(config, _read(config, directory), seed=seed)
    warn_of_left_out(str(directory or config.name), dataset.left_out, dataset.broken_images)
    return dataset


def _read(config: ImageDataConfig, directory: Path | None) -> RawImages:
    found = source_directory(config.format, directory, built_in="digits", for_files="folder")
    if found is None:
        return read_digits(config)
    reader = {"folder": read_folder, "idx": read_idx, "npz": read_npz}[config.format]
    return reader(config, found)
