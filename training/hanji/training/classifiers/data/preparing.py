"""Pictures as the model takes them, made by the same code that prepares them on the device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import ImageError
from hanji.runtime.images.preparation import decode, prepare, prepare_batch
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.data.broken_images import BrokenImages
from hanji.training.classifiers.data.listing import name_within
from hanji.training.progress import progress

_AT_ONCE = 256  # pictures of one size that are resized together


def image_input_of_size(height: int, width: int, channels: int, fit: str) -> ImageInput:
    """Pictures of that shape, without normalization."""
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
    """`images` uint8[N, any height, any width, 1 or 3] as uint8[N, height, width, channels] of `picture`."""
    if images.shape[1:] == image_input.shape:
        return images
    prepared = np.empty((len(images), *image_input.shape), dtype=np.uint8)
    with progress("Resizing pictures") as task:
        task.expect(-(-len(images) // _AT_ONCE))
        for start in range(0, len(images), _AT_ONCE):
            prepared[start : start + _AT_ONCE] = prepare_batch(images[start : start + _AT_ONCE], image_input)
            task.advance()
    return prepared


def prepare_files(
    paths: Sequence[Path], image_input: ImageInput, broken: BrokenImages
) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """The pictures uint8[G, height, width, channels] of the G readable files, and their positions intp[G].

    Nothing is kept but the prepared pixels. Raises DataError where more are broken than `broken` may hold.
    """
    images = np.empty((len(paths), *image_input.shape), dtype=np.uint8)
    good: list[int] = []
    with progress("Reading pictures") as task:
        task.expect(len(paths))
        for position, path in enumerate(paths):
            try:
                images[len(good)] = prepare(
                    decode(path, name=name_within(path, broken.directory)), image_input
                )[0]
                good.append(position)
            except ImageError as error:
                broken.add(str(error))
            task.advance()
    return images[: len(good)], np.array(good, dtype=np.intp)
