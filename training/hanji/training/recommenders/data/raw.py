"""What every reader gives, before cleaning and indexing: own ids, line by line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError

Ids = NDArray[Any]
"""int64[n] where every id is a canonical integer, else object[n] of str."""

LATEST_TIME = 2.0**62
"""Times are stored as int64."""

CANONICAL_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")
"""Fifteen digits keep an id exact in JSON readers that know only doubles."""


_EXAMPLES = 5


class MalformedLines:
    """Collects malformed lines over all files of one reading."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lines = 0
        """Lines read, good and bad."""
        self.malformed = 0
        self.bad_times = 0
        """Malformed lines whose only fault is their time."""
        self.examples: list[str] = []

    def add_time(self, path: Path, line: int, time: float) -> None:
        """Note a line whose time is negative or not a number, as `add` does."""
        self.bad_times += 1
        self.add(path, line, f"expected a time of at least 0, found {time:g}")

    def add(self, path: Path, line: int, reason: str) -> None:
        """Note a malformed line; DataError if it is one more than the limit."""
        self.malformed += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{path.name}:{line}: {reason}")
        if self.malformed > self.limit:
            raise DataError(
                f"{path}: more than {self.limit} malformed lines; the first is {self.examples[0]}; "
                "check format and delimiter, or raise malformed_limit if such lines may be left out"
            )


@dataclass(frozen=True)
class RawRatings:
    """The good lines of a ratings file, in file order."""

    users: Ids
    items: Ids
    ratings: NDArray[np.float64] | None
    timestamps: NDArray[np.int64] | None


@dataclass(frozen=True)
class RawTest:
    """A given test set: `users`, `items` int64[T] and `negatives` int64[T, 99], as ids."""

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    negatives: NDArray[np.int64]


@dataclass(frozen=True)
class ItemText:
    """What people read of an item."""

    title: str
    genres: tuple[str, ...]


@dataclass(frozen=True)
class RawData:
    """All that one format's files hold."""

    format: str
    licence: str
    ratings: RawRatings
    items: Mapping[str, ItemText]
    """By the item's id as text; may hold items that nobody rated and lack some that somebody did."""

    faults: MalformedLines
    test: RawTest | None = None


def ids_from_text(texts: Sequence[str]) -> Ids:
    """Integers if every text is a canonical integer, else the texts as they are."""
    if all(map(CANONICAL_INTEGER.fullmatch, set(texts))):
        return np.array(texts, dtype=np.int64)
    ids = np.empty(len(texts), dtype=object)
    ids[:] = texts
    return ids
