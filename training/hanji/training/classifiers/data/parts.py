"""Labelled pictures before they are split: the labels are known, the pixels are read for chosen rows.

A split needs labels only, so each picture of a large folder is decoded once, straight into the array that
training will use.
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
    """Pictures that belong together: a training set, a test set or one that holds both."""

    @property
    def labels(self) -> NDArray[np.int32]:
        """int32[N], one for each picture."""

    def take(self, rows: NDArray[np.intp]) -> LabelledImages:
        """The pictures of those rows as the model takes them; broken ones are left out."""


@dataclass(frozen=True)
class ArrayPart:
    """Pictures that are in memory, of any size."""

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
    """Pictures that are files yet."""

    paths: tuple[Path, ...]
    labels: NDArray[np.int32]
    image_input: ImageInput
    broken: BrokenImages

    def take(self, rows: NDArray[np.intp]) -> LabelledImages:
        """See Part; DataError where more pictures than the limit are broken."""
        paths = [self.paths[row] for row in rows]
        images, good = prepare_files(paths, self.image_input, self.broken)
        return LabelledImages(images, self.labels[rows][good])


@dataclass(frozen=True)
class RawImages:
    """What a reader found; a part is None where the data has none of its own."""

    labels: tuple[str, ...]
    train: Part
    validation: Part | None
    test: Part | None
    licence: str = ""
    broken: BrokenImages | None = None
    left_out: tuple[str, ...] = ()
