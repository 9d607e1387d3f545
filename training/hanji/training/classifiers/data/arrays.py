"""Images stored as one array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.classifiers.data.classes import as_labels, check_classes, class_names
from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.labelled import LabelledImages
from hanji.training.classifiers.data.parts import ArrayPart, RawImages
from hanji.training.classifiers.data.preparing import image_input_of_size
from hanji.training.errors import DataError


def raw_images(
    train: LabelledImages,
    test: LabelledImages | None,
    config: ImageDataConfig,
    where: str,
    *,
    licence: str = "",
) -> RawImages:
    """In-memory images, converted to the config's size and colour when taken; `where` names them in errors.

    Raises DataError if the test images have another shape, or a class has no images.
    """
    parts = {"training": train} if test is None else {"training": train, "test": test}
    shape = train.images.shape[1:]
    if test is not None and test.images.shape[1:] != shape:
        raise DataError(
            f"{where}: expected test images of the training images' shape {list(shape)}, found "
            f"{list(test.images.shape[1:])}; use files of the same data set"
        )
    labels = class_names(config.labels, np.concatenate([part.labels for part in parts.values()]), where)
    for name, part in parts.items():
        check_classes(part.labels, labels, f"{where}, {name} images")
    channels = {"auto": shape[2], "grey": 1, "rgb": 3}[config.colour]
    height, width = config.height or shape[0], config.width or shape[1]
    image_input = image_input_of_size(height, width, channels, config.fit)
    return RawImages(
        labels=labels,
        train=ArrayPart(train, image_input),
        validation=None,
        test=None if test is None else ArrayPart(test, image_input),
        licence=licence,
    )


def labelled_images(x: Any, y: Any, where: str, names: tuple[str, str]) -> LabelledImages:
    """Check images uint8[N, height, width(, channels)] and labels, integers [N] or [N, 1], of equal length.

    Errors identify the invalid array by ``where`` and its name in ``names`` (images, labels).
    """
    pixels, labels = np.asarray(x), np.asarray(y)
    if pixels.dtype != np.uint8:
        raise DataError(
            f"{where}{names[0]}: expected uint8 pixels from 0 to 255, found {pixels.dtype}; "
            "scale and round them"
        )
    images = as_images(pixels, f"{where}{names[0]}")
    flat_labels = _flat_labels(labels, f"{where}{names[1]}")
    return LabelledImages(images, as_labels(flat_labels, len(images), f"{where}{names[1]}"))


def _flat_labels(labels: NDArray[Any], where: str) -> NDArray[np.integer]:
    if labels.ndim == 2 and labels.shape[1] == 1:  # the shape of Keras's CIFAR-10 labels
        labels = labels[:, 0]
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{where}: expected one integer for each image, found {labels.dtype} of shape "
            f"{list(labels.shape)}; for one-hot labels take argmax(axis=1)"
        )
    return labels


def as_images(values: NDArray[np.uint8], where: str) -> NDArray[np.uint8]:
    """`values` uint8[N, height, width(, channels)] with a channel axis; DataError for any other shape."""
    images = values[..., None] if values.ndim == 3 else values
    if images.ndim != 4 or 0 in images.shape or images.shape[3] not in (1, 3):
        raise DataError(
            f"{where}: expected images of shape [N, height, width] or [N, height, width, 1 or 3 channels], "
            f"found {list(values.shape)}"
        )
    return images
