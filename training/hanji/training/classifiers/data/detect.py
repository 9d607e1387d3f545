"""Detects by file names whether a directory contains images, and in which format."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

from hanji.training.classifiers.data.idx import is_idx
from hanji.training.classifiers.data.image_files import all_images, is_hidden
from hanji.training.classifiers.data.npz import is_npz
from hanji.training.files import file_names

DetectedImages = Literal["idx", "npz", "folder"]
RECOGNIZED_BY = (
    "images by one sub-folder per class with images in it, by train-images-idx3-ubyte, or by one .npz file"
)
"""How a directory of images is recognized, for error messages."""


def detect_images(directory: Path) -> DetectedImages | None:
    """The format of the images in `directory`, None if there are none.

    Raises DataError if there is no such directory.
    """
    names = file_names(directory)
    if any(map(is_idx, names)):
        return "idx"
    if any(map(is_npz, names)):
        return "npz"
    return "folder" if any(_has_images(path) for path in directory.iterdir() if path.is_dir()) else None


def _has_images(directory: Path) -> bool:
    return not is_hidden(directory) and any(all_images(directory, Counter()))
