"""Image preprocessing for training, with the same code that runs on the device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import ImageError
from hanji.runtime.images.decoding import decode
from hanji.runtime.images.preparation import prepare, prepare_batch
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.data.broken_images import BrokenImages
from hanji.training.classifiers.data.listing import name_within
from hanji.training.progress import progress

_BATCH = 256  # images of one size that are resized together


def image_input_of_size(height: int, width: int, channels: int, fit: str) -> ImageInput:
    """The input specification of this size, without normalization."""
    return ImageInput(
        height=height,
        width=width,
        channels=channels,
        fit=fit,
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
        normalized_by="graph",
    )


def prepare_array(images: NDArray[np.uint8], image_input: ImageInput) -> NDArray[np.uint8]:
    """Convert `images` uint8[N, any height, any width, 1 or 3] to uint8[N, *image_input.shape]."""
    if images.shape[1:] == image_input.shape:
        return images
    prepared = np.empty((len(images), *image_input.shape), dtype=np.uint8)
    with progress("Resizing images") as task:
        task.expect(-(-len(images) // _BATCH))
        for start in range(0, len(images), _BATCH):
            prepared[start : start + _BATCH] = prepare_batch(images[start : start + _BATCH], image_input)
            task.advance()
    return prepared


def prepare_files(
    paths: Sequence[Path], image_input: ImageInput, broken: BrokenImages
) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """The images uint8[R, height, width, channels] of the R readable files, and their positions intp[R].

    Only the prepared pixels are kept in memory. Raises DataError if more are broken than `broken` allows.
    """
    images = np.empty((len(paths), *image_input.shape), dtype=np.uint8)
    readable: list[int] = []
    with progress("Reading images") as task:
        task.expect(len(paths))
        for position, path in enumerate(paths):
            try:
                images[len(readable)] = prepare(
                    decode(path, name=name_within(path, broken.directory)), image_input
                )[0]
                readable.append(position)
            except ImageError as error:
                broken.add(str(error))
            task.advance()
    return images[: len(readable)], np.array(readable, dtype=np.intp)
