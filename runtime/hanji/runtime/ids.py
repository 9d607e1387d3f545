"""The user's own ids and item descriptions, in the order of the model's indices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import BundleError, UnknownIdError
from hanji.runtime.json_table import LARGEST_INTEGER, Table, as_integer, parse_json
from hanji.runtime.records import Record

OwnId: TypeAlias = "int | str"
"""What a bundle calls a user or an item: ints in some bundles, texts in others."""


class Ids:
    """Own ids by index (``values``), and indices by own id. ``kind`` is "user" or "item"."""

    def __init__(self, values: tuple[OwnId, ...], kind: str) -> None:
        self.values = values
        self._kind = kind
        self._indices = {own: index for index, own in enumerate(values)}
        self._are_integers = isinstance(values[0], int)

    def __len__(self) -> int:
        return len(self.values)

    def index_of(self, own: OwnId) -> int | None:
        """The index of an own id, None if it is unknown.

        Where the ids are integers the text "196" means 196 (numpy's integers are integers, too);
        where they are texts, 196 is unknown. Raises TypeError for what cannot be an id.
        """
        if isinstance(own, str):
            return self._indices.get(_integer(own) if self._are_integers else own)
        if not isinstance(own, (int, np.integer)) or isinstance(own, bool):
            kind = "an item" if self._kind == "item" else f"a {self._kind}"
            raise TypeError(f"expected {kind} id (int or str), found {type(own).__name__}: {own!r}")
        return self._indices.get(own)

    def indices_of(self, owns: Iterable[OwnId]) -> list[int | None]:
        """The index of each own id, as ``index_of`` finds it."""
        listed = owns if isinstance(owns, list) else list(owns)
        kinds = set(map(type, listed))
        if len(kinds) == 1 and (int in kinds or (str in kinds and not self._are_integers)):
            return list(map(self._indices.get, listed))  # nothing to convert, nothing to refuse
        return [self.index_of(own) for own in listed]

    def known_index_of(self, own: OwnId) -> int:
        """The index of an own id; UnknownIdError if it is unknown."""
        index = self.index_of(own)
        if index is None:
            raise self.unknown(own)
        return index

    def unknown(self, own: OwnId) -> UnknownIdError:
        """The error of an id that is unknown."""
        return UnknownIdError(
            f"{self._kind} {own!r} is unknown: expected one of the bundle's {len(self)} {self._kind} ids, "
            f"such as {self.values[0]!r}"
        )


def _integer(text: str) -> OwnId:
    """The integer that is written exactly like ``text``, else the text itself."""
    try:
        value = int(text)
    except ValueError:
        return text
    return value if str(value) == text else text


@dataclass(frozen=True, eq=False, repr=False)
class Items(Record):
    """What can be recommended: one entry per item in each field."""

    ids: Ids
    titles: tuple[str, ...]
    genres: tuple[tuple[str, ...], ...]
    popularity: NDArray[np.int64]
    """Training interactions of each item, int64 [items]."""

    def __len__(self) -> int:
        return len(self.ids)


def parse_users(content: bytes, count: int, where: str) -> Ids:
    """The ``count`` user ids in users.json; BundleError naming the field if it holds anything else."""
    table = parse_json(content, where)
    ids = table.ids("ids")
    _check_length(table, "ids", len(ids), count)
    return Ids(ids, "user")


def parse_items(content: bytes, count: int, where: str) -> Items:
    """The ``count`` items in items.json; BundleError naming the field if it holds anything else."""
    table = parse_json(content, where)
    ids = Ids(table.ids("ids"), "item")
    items = Items(ids, table.text_array("titles"), _genres(table), _popularity(table))
    for key, length in {
        "ids": len(items.ids),
        "titles": len(items.titles),
        "genres": len(items.genres),
        "popularity": len(items.popularity),
    }.items():
        _check_length(table, key, length, count)
    return items


def _genres(table: Table) -> tuple[tuple[str, ...], ...]:
    rows = table.array("genres")
    if not all(isinstance(row, list) and all(isinstance(genre, str) for genre in row) for row in rows):
        table.fail("genres", "an array of texts per item")
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # a million items have a few thousand combinations
    made: Iterator[tuple[str, ...]] = map(tuple, rows)  # type: ignore[arg-type]  # lists, as checked above
    return tuple(shared.setdefault(row, row) for row in made)


def _popularity(table: Table) -> NDArray[np.int64]:
    counts = [as_integer(value) for value in table.array("popularity")]
    if not all(count is not None and 0 <= count <= LARGEST_INTEGER for count in counts):
        table.fail("popularity", f"integers of 0 to {LARGEST_INTEGER}")
    return np.array(counts, np.int64)


def _check_length(table: Table, key: str, found: int, expected: int) -> None:
    if found != expected:
        raise BundleError(
            f"{table.where}: {key}: expected {expected} entries (the manifest's count), found {found}; "
            "export the bundle again"
        )
