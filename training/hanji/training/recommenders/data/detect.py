"""Detects the format of the data in a directory by its file names."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hanji.training.errors import DataError
from hanji.training.files import directory_listing, file_names
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.ncf import TRAIN_SUFFIX

Detected = Literal["ncf", "movielens-1m", "movielens-100k", "movielens-csv", "csv"]

_MARKERS: tuple[tuple[Detected, str], ...] = (
    ("ncf", TRAIN_SUFFIX),
    ("movielens-1m", "ratings.dat"),
    ("movielens-100k", "u.data"),
    ("movielens-csv", "ratings.csv"),
)


_EXPECTED_FILES = ", ".join(
    f'{"*" if marker == TRAIN_SUFFIX else ""}{marker} ("{form}")' for form, marker in _MARKERS
)
RECOGNIZED_BY = f"ratings by {_EXPECTED_FILES}"
"""How a directory of ratings is recognized, for error messages."""


def is_recognized(directory: Path) -> bool:
    """Whether `directory` has a ratings file of a known name; DataError if there is no such directory."""
    names = file_names(directory)
    return any(_is_marker(name, marker) for _, marker in _MARKERS for name in names)


def detect_format(config: DataConfig, directory: Path) -> Detected:
    """The format of the files in `directory`; a ratings file named in the config means "csv" or "ncf".

    Raises DataError, listing the recognized file names, unless exactly one format is recognized.
    """
    names = file_names(directory)
    if config.ratings is not None:
        return "ncf" if config.ratings.endswith(TRAIN_SUFFIX) else "csv"
    found = [form for form, marker in _MARKERS if any(_is_marker(name, marker) for name in names)]
    if len(found) == 1:
        return found[0]
    what = f"those of {' and '.join(found)}" if found else "none of them"
    raise DataError(
        f"{directory}: expected the files of one format, by {_EXPECTED_FILES}; found {what}: "
        f"{directory_listing(directory)}; set data.format, and for any other CSV or TSV "
        'data.format = "csv" with data.ratings, data.user_column and data.item_column'
    )


def _is_marker(name: str, marker: str) -> bool:
    return name.endswith(marker) if marker == TRAIN_SUFFIX else name == marker
