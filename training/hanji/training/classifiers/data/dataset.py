"""The one type that training takes: pictures to train on, to choose by and to be tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanji.training.classifiers.data.arrays import labelled_images, raw_images
from hanji.training.classifiers.data.classes import check_classes
from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.labelled import LabelledImages
from hanji.training.classifiers.data.parts import RawImages
from hanji.training.classifiers.data.split import hold_out
from hanji.training.errors import DataError

_AT_ONCE = 1024  # pictures of which the values are counted at a time


class Normalization(NamedTuple):
    """Mean and standard deviation of each channel, on the scale 0..255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class ImageDataset:
    """Everything that training and evaluation need of the pictures."""

    name: str
    format: str
    licence: str
    synthetic: bool
    labels: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    """The labels in other languages, by language tag."""

    fit: str
    """How pictures of another aspect ratio are to be fitted: "crop", "stretch" or "pad"."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages
    config: ImageDataConfig
    """What it was loaded with: the ``[data]`` table, by which the very same split can be rebuilt."""

    faults: tuple[str, ...] = ()
    """Each broken picture by name, with the reason; they were left out."""

    left_out: tuple[str, ...] = ()
    """Files beside the pictures that are none, counted by kind."""

    task: ClassVar[str] = "image-classification"

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.train.images.shape[1])

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.train.images.shape[2])

    @property
    def channels(self) -> int:
        """1 is grey, 3 is RGB."""
        return int(self.train.images.shape[3])

    @property
    def classes(self) -> int:
        """Number of labels."""
        return len(self.labels)

    @cached_property
    def normalization(self) -> Normalization:
        """Of all pixels of the training pictures; a standard deviation is at least 1."""
        return normalization_of(self.train.images)

    @classmethod
    def from_arrays(
        cls,
        images: Any,
        labels: Any,
        *,
        test: tuple[Any, Any] | None = None,
        config: ImageDataConfig | None = None,
        seed: int = 0,
    ) -> ImageDataset:
        """Prepare and split images that are in memory, as those of a file are.

        ``images`` uint8[N, height, width(, channels)] hold levels of 0 to 255, ``labels`` integers [N] the
        classes from 0; ``test`` is such a pair, without which a part is held out. ``config`` may give the
        name, class names (``labels``), size, colour and fractions. DataError names the argument that cannot
        be used.
        """
        config = replace(config, format="memory") if config else ImageDataConfig("data in memory", "memory")
        given = labelled_images(images, labels, "", ("images", "labels"))
        tested = None if test is None else labelled_images(*test, "", ("test[0]", "test[1]"))
        return dataset_from(config, raw_images(given, tested, config, config.name), seed=seed)


def dataset_from(config: ImageDataConfig, raw: RawImages, *, seed: int) -> ImageDataset:
    """Prepare and split what a reader found; DataError if a class has too few images."""
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


def normalization_of(images: NDArray[np.uint8]) -> Normalization:
    """Mean and standard deviation of each channel of `images` uint8[N, height, width, channels].

    They come from exact counts of the 256 values, so they do not depend on the order of the pictures.
    """
    channels = images.shape[3]
    counts = np.zeros((channels, 256), dtype=np.int64)
    for start in range(0, len(images), _AT_ONCE):
        for channel in range(channels):
            some = images[start : start + _AT_ONCE, :, :, channel]
            counts[channel] += np.bincount(some.ravel(), minlength=256)
    share = counts / counts.sum(axis=1, keepdims=True)
    levels = np.arange(256.0)
    mean = share @ levels
    std = np.sqrt((share * (levels - mean[:, None]) ** 2).sum(axis=1))
    return Normalization(tuple(mean.tolist()), tuple(np.maximum(std, 1.0).tolist()))


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
