"""The output of every reader, before cleaning and splitting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.recommenders.data.moments import NUMBERS, Clock

if TYPE_CHECKING:
    from hanji.training.recommenders.data.sources.malformed import MalformedLines


Ids = NDArray[Any]
"""int64[n] where every id is a canonical integer, else object[n] of str."""

LATEST_TIME = 2.0**62
"""Times are stored as int64."""

CANONICAL_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")
"""Integers of up to 15 digits are exact even in JSON parsers that read numbers as doubles."""


@dataclass(frozen=True)
class Coded:
    """Interactions as indices into sorted ids, sorted by user and time, or by user and file order.

    ``users`` and ``items`` are int32 [n], ``ratings`` float64 [n], ``timestamps`` int64 [n].
    """

    user_ids: Ids
    item_ids: Ids
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    ratings: NDArray[np.float64] | None
    timestamps: NDArray[np.int64] | None
    clock: Clock = NUMBERS
    """What the timestamps mean."""


def coded(
    users: Ids,
    items: Ids,
    ratings: NDArray[np.float64] | None,
    times: NDArray[np.int64] | None,
    clock: Clock = NUMBERS,
) -> Coded:
    """Index the ids [n], and sort by user and time, or by user and row."""
    user_ids, user_index = np.unique(users, return_inverse=True)
    item_ids, item_index = np.unique(items, return_inverse=True)
    order = np.lexsort((user_index,) if times is None else (times, user_index))
    return Coded(
        user_ids,
        item_ids,
        user_index[order].astype(np.int32),
        item_index[order].astype(np.int32),
        None if ratings is None else ratings[order],
        None if times is None else times[order],
        clock,
    )


@dataclass(frozen=True)
class RawTest:
    """The test set of a benchmark, as ids: ``users``, ``items`` [T], ``negatives`` [T, 99] if it has them."""

    users: Ids
    items: Ids
    negatives: Ids | None


@dataclass(frozen=True)
class ItemText:
    """The texts that describe an item."""

    title: str
    genres: tuple[str, ...]


@dataclass(frozen=True)
class RawUsers:
    """The attributes of users: ``names``, and by user id as text a value of each, empty where unknown."""

    names: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class RawData:
    """The contents of the files of one format."""

    format: str
    licence: str
    interactions: Coded
    items: Mapping[str, ItemText]
    """By item id as text; may contain items without interactions, and lack items with interactions."""

    malformed: MalformedLines
    test: RawTest | None = None
    users: RawUsers | None = None
    notes: tuple[str, ...] = ()
    """What was decided by looking at the files, such as columns that were found by their names."""
