"""Training epochs of classifiers: augmented images in random order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.classifiers.augmentation import Augmentation, augment
from hanji.training.classifiers.data import LabelledImages
from hanji.training.fitting.supervision import EpochSource


@dataclass(frozen=True)
class ImageEpoch:
    """Batches of images uint8 [B, h, w, c], labels int32 [B] and the matching rows of other arrays."""

    samples: LabelledImages
    order: NDArray[np.intp]
    augmentation: Augmentation
    rng: np.random.Generator
    extra: tuple[NDArray[Any], ...] = ()
    """Arrays with one row per image, such as a teacher's logits."""

    def steps(self, batch_size: int) -> int:
        """Number of batches; an incomplete last batch is dropped."""
        return max(len(self.order) // batch_size, 1)

    def batches(self, batch_size: int) -> Iterator[tuple[NDArray[Any], ...]]:
        """Images and labels, and the rows of ``extra``, ``batch_size`` at a time."""
        for step in range(self.steps(batch_size)):
            rows = self.order[step * batch_size : (step + 1) * batch_size]
            images = augment(self.samples.images[rows], self.augmentation, self.rng)
            yield images, self.samples.labels[rows], *(array[rows] for array in self.extra)


def labelled_images(samples: LabelledImages, augmentation: Augmentation) -> EpochSource:
    """Each image once per epoch, in random order, newly augmented."""

    def draw(rng: np.random.Generator) -> ImageEpoch:
        return ImageEpoch(samples, rng.permutation(len(samples)), augmentation, rng)

    return draw


__all__ = ["ImageEpoch", "labelled_images"]
