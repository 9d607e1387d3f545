"""From a config and a directory to an ImageDataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hanji.training.classifiers.data.classes import check_classes
from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.dataset import ImageDataset, LabelledImages
from hanji.training.classifiers.data.digits import read_digits
from hanji.training.classifiers.data.folder import read_folder
from hanji.training.classifiers.data.idx import read_idx
from hanji.training.classifiers.data.npz import read_npz
from hanji.training.classifiers.data.parts import RawImages
from hanji.training.classifiers.data.split import hold_out
from hanji.training.errors import DataError


def load_images(config: ImageDataConfig, directory: Path | None, *, seed: int) -> ImageDataset:
    """Read, check, prepare and split the pictures; the same config, files and seed give the same dataset.

    `directory` holds the files; None for the digits, which come with scikit-learn.
    Raises DataError if the data cannot be used, with the file and what to try.
    """
    raw = _read(config, directory)
    names = _translations(config.names, raw.labels)
    train, validation, test = _split(raw, config, seed)
    dataset = ImageDataset(
        name=config.name,
        format=config.format,
        licence=config.licence or raw.licence or "not stated",
        synthetic=False,
        labels=raw.labels,
        names=names,
        fit=config.fit,
        train=train,
        validation=validation,
        test=test,
        config=config,
        faults=tuple(raw.broken.found) if raw.broken else (),
        left_out=raw.left_out,
    )
    for part, samples in (("training", train), ("test", test)):
        check_classes(samples.labels, raw.labels, f"{config.name}, {part} pictures")
    return dataset


def _read(config: ImageDataConfig, directory: Path | None) -> RawImages:
    if config.format == "digits":
        if directory is not None:
            raise DataError(
                f'data.format is "digits", which reads no files, yet the directory {directory} was given; '
                'set data.format = "folder" and data.name to use it, or leave it out'
            )
        return read_digits(config)
    if directory is None:
        raise DataError(
            f'data.format is "{config.format}", which needs a directory with the files; give it as --data'
        )
    reader = {"folder": read_folder, "idx": read_idx, "npz": read_npz}[config.format]
    return reader(config, directory)


def _split(
    raw: RawImages, config: ImageDataConfig, seed: int
) -> tuple[LabelledImages, LabelledImages, LabelledImages]:
    """Training, validation and test pictures; what the data does not bring is held out."""
    rng = np.random.default_rng([seed, 4])
    labels, rows = raw.train.labels, np.arange(len(raw.train.labels), dtype=np.intp)
    if raw.test is None:
        rows, held_out = hold_out(labels, rows, config.test, names=raw.labels, rng=rng)
        test = raw.train.take(held_out)
    else:
        test = raw.test.take(np.arange(len(raw.test.labels), dtype=np.intp))
    if raw.validation is None:
        rows, held_out = hold_out(labels, rows, config.validation, names=raw.labels, rng=rng)
        validation = raw.train.take(held_out)
    else:
        validation = raw.validation.take(np.arange(len(raw.validation.labels), dtype=np.intp))
    return raw.train.take(rows), validation, test


def _translations(names: Mapping[str, list[str]], labels: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    for language, translated in names.items():
        if len(translated) != len(labels):
            raise DataError(
                f"data.names.{language}: expected {len(labels)} names, one for each class "
                f"({', '.join(labels[:5])}{', …' if len(labels) > 5 else ''}), found {len(translated)}"
            )
    return {language: tuple(translated) for language, translated in names.items()}
