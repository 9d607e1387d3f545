"""Which format a directory holds, by the names of its files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from hanji.training.errors import DataError
from hanji.training.files import directory_listing, file_names
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.ncf import TRAIN_SUFFIX

Detected = Literal["ncf", "movielens-1m", "movielens-100k", "movielens-csv", "csv"]

_SIGNS: tuple[tuple[Detected, str], ...] = (
    ("ncf", TRAIN_SUFFIX),
    ("movielens-1m", "ratings.dat"),
    ("movielens-100k", "u.data"),
    ("movielens-csv", "ratings.csv"),
)


_LOOKED_FOR = ", ".join(f'{"*" if sign == TRAIN_SUFFIX else ""}{sign} ("{form}")' for form, sign in _SIGNS)
RECOGNIZED_BY = f"ratings by {_LOOKED_FOR}"
"""How a directory with ratings is recognized, for error messages."""


def is_recognized(directory: Path) -> bool:
    """Whether `directory` holds a ratings file of a known name; DataError if there is no such directory."""
    names = file_names(directory)
    return any(_is_sign(name, sign) for _, sign in _SIGNS for name in names)


def detect_format(config: DataConfig, directory: Path) -> Detected:
    """The format of the files in `directory`; a ratings file named in the config means "csv" or "ncf".

    Raises DataError, saying what was looked for, if no format or more than one is recognized.
    """
    names = file_names(directory)
    if config.ratings is not None:
        return "ncf" if config.ratings.endswith(TRAIN_SUFFIX) else "csv"
    found = [form for form, sign in _SIGNS if any(_is_sign(name, sign) for name in names)]
    if len(found) == 1:
        return found[0]
    what = f"those of {' and '.join(found)}" if found else "none of them"
    raise DataError(
        f"{directory}: expected the files of one format, by {_LOOKED_FOR}; found {what}: "
        f"{directory_listing(directory)}; set data.format, and for any other CSV or TSV "
        'data.format = "csv" with data.ratings, data.user_column and data.item_column'
    )


def _is_sign(name: str, sign: str) -> bool:
    return name.endswith(sign) if sign == TRAIN_SUFFIX else name == sign
