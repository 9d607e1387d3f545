"""Labelled images before the split: labels are known, pixels are read only for selected rows.

A split needs only the labels, so each image of a large folder is decoded once, directly into the array that
training uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.data.broken_images import BrokenImages
from hanji.training.classifiers.data.labelled import LabelledImages
from hanji.training.classifiers.data.preparing import prepare_array, prepare_files


class Part(Protocol):
    """The images of one part: a training, validation or test set, or one that is split later."""

    @property
    def labels(self) -> NDArray[np.int32]:
        """int32[N], one per image."""

    def take(self, rows: NDArray[np.intp]) -> LabelledImages:
        """The images of these rows, prepared for the model; broken ones are left out."""


@dataclass(frozen=True)
class ArrayPart:
    """Images in memory, of any size."""

    samples: LabelledImages
    image_input: ImageInput

    @property
    def labels(self) -> NDArray[np.int32]:
        """See Part."""
        return self.samples.labels

    def take(self, rows: NDArray[np.intp]) -> LabelledImages:
        """See Part."""
        return LabelledImages(prepare_array(self.samples.images[rows], self.image_input), self.labels[rows])


@dataclass(frozen=True)
class FilesPart:
    """Images in files, which are not decoded yet."""

    paths: tuple[Path, ...]
    labels: NDArray[np.int32]
    image_input: ImageInput
    broken: BrokenImages

    def take(self, rows: NDArray[np.intp]) -> LabelledImages:
        """See Part; DataError if more images are broken than the limit allows."""
        paths = [self.paths[row] for row in rows]
        images, readable = prepare_files(paths, self.image_input, self.broken)
        return LabelledImages(images, self.labels[rows][readable])


@dataclass(frozen=True)
class RawImages:
    """The output of a reader; a part is None if the data does not provide it."""

    labels: tuple[str, ...]
    train: Part
    validation: Part | None
    test: Part | None
    licence: str = ""
    broken: BrokenImages | None = None
    left_out: tuple[str, ...] = ()
