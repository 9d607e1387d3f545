"""The dataset type of image classification: training, validation and test images."""

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
from hanji.training.content import content_hash
from hanji.training.errors import DataError

_BATCH = 1024  # images whose pixel values are counted at a time


class Normalization(NamedTuple):
    """Mean and standard deviation of each channel, on the scale 0..255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class ImageDataset:
    """All the data that training and evaluation need."""

    name: str
    format: str
    licence: str
    synthetic: bool
    labels: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    """The labels in other languages, by language tag."""

    fit: str
    """How images of another aspect ratio are fitted: "crop", "stretch" or "pad"."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages
    config: ImageDataConfig
    """The ``[data]`` table it was loaded with, from which the same split can be rebuilt."""

    broken_images: tuple[str, ...] = ()
    """One line per unreadable image, which was left out: its path and the reason."""

    left_out: tuple[str, ...] = ()
    """Other files that were left out, counted by type."""

    task: ClassVar[str] = "image-classification"

    @property
    def height(self) -> int:
        """Image height in pixels."""
        return int(self.train.images.shape[1])

    @property
    def width(self) -> int:
        """Image width in pixels."""
        return int(self.train.images.shape[2])

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return int(self.train.images.shape[3])

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.labels)

    @cached_property
    def content(self) -> str:
        """Hash of the class names, images and labels, by which results of other data are recognized."""
        parts = (self.train, self.validation, self.test)
        return content_hash(list(self.labels), *(part.content for part in parts))

    @cached_property
    def training_content(self) -> str:
        """Hash of what a fit depends on: the training and the validation images with their labels."""
        return content_hash(self.train.content, self.validation.content)

    @cached_property
    def normalization(self) -> Normalization:
        """Mean and standard deviation per channel of the training pixels; a deviation is at least 1."""
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
        """Prepare and split in-memory images, in the same way as images from files.

        ``images`` uint8[N, height, width(, channels)] have values from 0 to 255, ``labels`` [N] are integer
        class indices from 0. ``test`` is a pair of both; without it, test images are held out. ``config`` may
        set the name, class names (``labels``), size, colour and fractions. DataError names the invalid
        argument.
        """
        config = replace(config, format="memory") if config else ImageDataConfig("data in memory", "memory")
        train = labelled_images(images, labels, "", ("images", "labels"))
        test_images = None if test is None else labelled_images(*test, "", ("test[0]", "test[1]"))
        return dataset_from(config, raw_images(train, test_images, config, config.name), seed=seed)


def dataset_from(config: ImageDataConfig, raw: RawImages, *, seed: int) -> ImageDataset:
    """Prepare and split the images of a reader; DataError if a class has too few."""
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
        broken_images=tuple(raw.broken.reports) if raw.broken else (),
        left_out=raw.left_out,
    )
    for part, samples in (("training", train), ("test", test)):
        check_classes(samples.labels, raw.labels, f"{config.name}, {part} images")
    return dataset


def normalization_of(images: NDArray[np.uint8]) -> Normalization:
    """Mean and standard deviation of each channel of `images` uint8[N, height, width, channels].

    They are computed from exact histograms, so they do not depend on the order of the images.
    """
    channels = images.shape[3]
    counts = np.zeros((channels, 256), dtype=np.int64)
    for start in range(0, len(images), _BATCH):
        for channel in range(channels):
            values = images[start : start + _BATCH, :, :, channel]
            counts[channel] += np.bincount(values.ravel(), minlength=256)
    frequencies = counts / counts.sum(axis=1, keepdims=True)
    levels = np.arange(256.0)
    mean = frequencies @ levels
    std = np.sqrt((frequencies * (levels - mean[:, None]) ** 2).sum(axis=1))
    return Normalization(tuple(mean.tolist()), tuple(np.maximum(std, 1.0).tolist()))


def _split(
    raw: RawImages, config: ImageDataConfig, seed: int
) -> tuple[LabelledImages, LabelledImages, LabelledImages]:
    """Training, validation and test images; parts that the data does not provide are held out."""
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
