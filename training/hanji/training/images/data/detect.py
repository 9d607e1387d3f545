"""Whether a directory holds pictures, and in which format, by the names in it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hanji.training.data.source import file_names
from hanji.training.images.data.idx import is_idx
from hanji.training.images.data.listing import all_pictures
from hanji.training.images.data.npz import is_npz

DetectedImages = Literal["idx", "npz", "folder"]


def detect_pictures(directory: Path) -> DetectedImages | None:
    """The format of the pictures in `directory`, None if there are none.

    Raises DataError if there is no such directory.
    """
    names = file_names(directory)
    if any(map(is_idx, names)):
        return "idx"
    if any(map(is_npz, names)):
        return "npz"
    return "folder" if any(_holds_pictures(path) for path in directory.iterdir() if path.is_dir()) else None


def _holds_pictures(directory: Path) -> bool:
    return not directory.name.startswith(".") and any(all_pictures(directory))
