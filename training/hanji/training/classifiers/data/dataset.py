"""The one type that training takes: pictures to train on, to choose by and to be tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanji.training.classifiers.data.config import ImageDataConfig

UNLABELLED = -1
"""Label of a picture whose class is not known."""

_AT_ONCE = 1024  # pictures of which the values are counted at a time


@dataclass(frozen=True)
class LabelledImages:
    """`images` uint8[N, height, width, channels], `labels` int32[N]."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)


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
