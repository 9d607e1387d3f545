"""A folder of images with one sub-folder per class.

The class folders may be grouped into `train/`, `test/` and `val/` (or `validation/`). Without `test/`, `val/`
is the test set, as in ImageNet's folders.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from hanji.training.classifiers.data.broken_images import BrokenImages
from hanji.training.classifiers.data.classes import check_classes
from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.listing import ClassFolders, list_folder
from hanji.training.classifiers.data.parts import FilesPart, RawImages
from hanji.training.classifiers.data.preparing import image_input_of_size
from hanji.training.errors import DataError


def read_folder(config: ImageDataConfig, directory: Path) -> RawImages:
    """List the images of every class; they are decoded when they are taken.

    Raises DataError for another folder layout, or for a class without images.
    """
    listing = list_folder(directory)
    channels = 1 if config.colour == "grey" else 3
    _check_memory(listing.total * config.height * config.width * channels, directory)
    broken = BrokenImages(directory, listing.total, config.broken_limit)
    image_input = image_input_of_size(config.height, config.width, channels, config.fit)

    def part(folders: ClassFolders | None) -> FilesPart | None:
        if folders is None:
            return None
        labels = np.repeat(np.arange(len(folders.files)), [len(files) for files in folders.files])
        check_classes(labels.astype(np.int32), listing.labels, str(folders.directory))
        paths = tuple(path for files in folders.files for path in files)
        return FilesPart(paths, labels.astype(np.int32), image_input, broken)

    train = part(listing.train)
    if train is None or len(listing.labels) < 2:
        raise DataError(f"{directory}: expected at least two classes, found {', '.join(listing.labels)}")
    return RawImages(
        labels=listing.labels,
        train=train,
        validation=part(listing.validation),
        test=part(listing.test),
        broken=broken,
        left_out=listing.left_out,
    )


def _check_memory(needed: int, directory: Path) -> None:
    """DataError if the prepared images exceed the memory; the process would be killed while loading."""
    if not hasattr(os, "sysconf"):
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > memory:
        raise DataError(
            f"{directory}: expected images that fit into {memory / 2**30:.0f} GiB of memory, found "
            f"{needed / 2**30:.0f} GiB at this size; lower data.height and data.width"
        )
