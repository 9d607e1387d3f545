"""The output of every reader, before cleaning and indexing: the data's own ids, line by line."""

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
"""Integers of up to 15 digits are exact even in JSON parsers that read numbers as doubles."""


_EXAMPLES = 5


class MalformedLines:
    """Collects the malformed lines of all files of a data set."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lines = 0
        """Lines read, valid or malformed."""
        self.count = 0
        """Malformed lines."""
        self.bad_times = 0
        """Malformed lines whose only problem is their time."""
        self.examples: list[str] = []

    def add_time(self, path: Path, line: int, time: float) -> None:
        """Record a line whose time is negative or not a number, as `add` does."""
        self.bad_times += 1
        self.add(path, line, f"expected a time of at least 0, found {time:g}")

    def add(self, path: Path, line: int, reason: str) -> None:
        """Record a malformed line; DataError if there are more than the limit."""
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{path.name}:{line}: {reason}")
        if self.count > self.limit:
            raise DataError(
                f"{path}: more than {self.limit} malformed lines; the first is {self.examples[0]}; "
                "check format and delimiter, or raise malformed_limit if such lines may be skipped"
            )


@dataclass(frozen=True)
class RawRatings:
    """The valid lines of a ratings file, in file order."""

    users: Ids
    items: Ids
    ratings: NDArray[np.float64] | None
    timestamps: NDArray[np.int64] | None


@dataclass(frozen=True)
class RawTest:
    """The test set of a benchmark: `users`, `items` int64[T] and `negatives` int64[T, 99], as ids."""

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    negatives: NDArray[np.int64]


@dataclass(frozen=True)
class ItemText:
    """The texts that describe an item."""

    title: str
    genres: tuple[str, ...]


@dataclass(frozen=True)
class RawData:
    """The contents of the files of one format."""

    format: str
    licence: str
    ratings: RawRatings
    items: Mapping[str, ItemText]
    """By item id as text; may contain items without interactions, and lack items with interactions."""

    malformed: MalformedLines
    test: RawTest | None = None


def ids_from_text(texts: Sequence[str]) -> Ids:
    """Integers if every text is a canonical integer, else the texts unchanged."""
    if all(map(CANONICAL_INTEGER.fullmatch, set(texts))):
        return np.array(texts, dtype=np.int64)
    ids = np.empty(len(texts), dtype=object)
    ids[:] = texts
    return ids
