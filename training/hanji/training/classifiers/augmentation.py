"""Random image augmentation, drawn anew in each epoch to reduce overfitting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Unit
from numpy.typing import NDArray

from hanji.training.settings import Fraction, check_ranges


@dataclass(frozen=True)
class Augmentation:
    """Random augmentations of an image, none by default; raises ValueError for values out of range."""

    shift: Annotated[int, Ge(0), Unit("pixels")] = 0
    """Largest translation in each direction; what enters at the edge is 0."""

    flip: bool = False
    """Whether half of the images are mirrored horizontally."""

    cutout: Annotated[int, Ge(0), Unit("pixels")] = 0
    """Side of a square that is set to 0; its centre is anywhere in the image, so part of it may lie outside
    (DeVries and Taylor 2017, arXiv:1708.04552)."""

    contrast: Fraction = 0.0
    """Largest relative change of the distance from the image's mean."""

    brightness: Fraction = 0.0
    """Largest change of the brightness, as a fraction of the range 0..255."""

    def __post_init__(self) -> None:
        check_ranges(self)


def augment(images: NDArray[np.uint8], config: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """An augmented copy of `images` uint8[B, height, width, channels], determined by the state of `rng`.

    Raises ValueError if a shift or cutout is as large as the images.
    """
    side = min(images.shape[1:3])
    if max(config.shift, config.cutout) >= side:
        raise ValueError(
            f"shift and cutout: expected fewer pixels than the shorter side of the images ({side}), found "
            f"{config.shift} and {config.cutout}"
        )
    augmented = images.copy()
    if config.flip:
        mirrored = rng.random(len(images)) < 0.5
        augmented[mirrored] = augmented[mirrored, :, ::-1]
    if config.shift:
        augmented = _shifted(augmented, config.shift, rng)
    if config.contrast or config.brightness:
        augmented = _jittered(augmented, config, rng)
    if config.cutout:
        augmented[_cutout_masks(images.shape[:3], config.cutout, rng)] = 0
    return augmented


def _shifted(images: NDArray[np.uint8], limit: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    batch, *shape = images.shape
    padded = np.pad(images, ((0, 0), (limit, limit), (limit, limit), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, shape, axis=(1, 2, 3))
    down, right = rng.integers(0, 2 * limit + 1, (2, batch))
    shifted: NDArray[np.uint8] = windows[np.arange(batch), down, right, 0]
    return shifted


def _jittered(images: NDArray[np.uint8], config: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    shape = (len(images), 1, 1, 1)
    scale = (1.0 + config.contrast * rng.uniform(-1.0, 1.0, shape)).astype(np.float32)
    offset = (255.0 * config.brightness * rng.uniform(-1.0, 1.0, shape)).astype(np.float32)
    mean = images.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float32)
    jittered = (images - mean) * scale + (mean + offset)
    return np.asarray(np.clip(np.rint(jittered), 0, 255), dtype=np.uint8)


def _cutout_masks(shape: tuple[int, ...], side: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """bool[B, height, width], true in one random square per image."""
    batch, height, width = shape
    top = rng.integers(0, height, (batch, 1)) - side // 2
    left = rng.integers(0, width, (batch, 1)) - side // 2
    rows, columns = np.arange(height), np.arange(width)
    in_rows = (rows >= top) & (rows < top + side)
    in_columns = (columns >= left) & (columns < left + side)
    return in_rows[:, :, None] & in_columns[:, None, :]


def class_weights(labels: NDArray[np.int32], classes: int, power: float) -> NDArray[np.float32]:
    """Loss weight of each class, float32[classes]: 1 / frequency^power, with a mean of 1 over `labels`.

    `labels` is int32[N]. A power of 0 weights all images equally, 1 all classes equally. Raises ValueError
    for a class without images.
    """
    counts = np.bincount(labels, minlength=classes)
    if len(counts) > classes or not counts.all():
        raise ValueError(
            f"labels: expected labels of each of {classes} classes, found counts {counts.tolist()}"
        )
    weights = (counts / len(labels)) ** -power
    weights *= len(labels) / (weights * counts).sum()
    return np.asarray(weights, dtype=np.float32)
