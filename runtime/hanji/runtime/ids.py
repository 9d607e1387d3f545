"""External ids and item metadata, in the order of the model's indices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import BundleError, UnknownIdError
from hanji.runtime.json_table import LARGEST_INTEGER, Table, as_integer, parse_json
from hanji.runtime.manifest.types import TABLE_SUFFIX
from hanji.runtime.records import Record

if TYPE_CHECKING:
    from hanji.runtime.bundle import Content

ExternalId: TypeAlias = "int | str"
"""The id of a user or item in the application's data: integers or strings, depending on the bundle."""


class Ids:
    """Maps indices to external ids (``values``) and external ids to indices. ``kind`` is "user" or "item".

    ``find`` returns the index of a value, or None if it is unknown; without it, a dict is made of the values.
    """

    def __init__(
        self, values: Sequence[ExternalId], kind: str, find: Callable[[Any], int | None] | None = None
    ) -> None:
        self.values = values
        self._kind = kind
        self._find = find or {external_id: index for index, external_id in enumerate(values)}.get
        self._are_integers = isinstance(values[0], int)

    def __len__(self) -> int:
        return len(self.values)

    def index_of(self, external_id: ExternalId) -> int | None:
        """The index of an external id, or None if it is unknown.

        The string "196" matches the integer 196 and vice versa, whichever the bundle has: one id such as
        "A12" in the training data makes strings of all. NumPy integers are accepted as well. Raises TypeError
        for other types.
        """
        if isinstance(external_id, str):
            value = _integer(external_id) if self._are_integers else external_id
            return None if value is None else self._find(value)
        if not isinstance(external_id, (int, np.integer)) or isinstance(external_id, bool):
            kind = "an item" if self._kind == "item" else f"a {self._kind}"
            found = f"{type(external_id).__name__}: {external_id!r}"
            raise TypeError(f"expected {kind} id (int or str), found {found}")
        return self._find(int(external_id) if self._are_integers else str(external_id))

    def indices_of(self, external_ids: Iterable[ExternalId]) -> list[int | None]:
        """``index_of`` for each external id."""
        listed = external_ids if isinstance(external_ids, list) else list(external_ids)
        types = set(map(type, listed))
        if types == {int if self._are_integers else str}:
            return list(map(self._find, listed))  # fast path: no conversion or type check needed
        return [self.index_of(external_id) for external_id in listed]

    def known_index_of(self, external_id: ExternalId) -> int:
        """The index of an external id; UnknownIdError if it is unknown."""
        index = self.index_of(external_id)
        if index is None:
            raise self.unknown(external_id)
        return index

    def unknown(self, external_id: ExternalId) -> UnknownIdError:
        """The error to raise for an unknown id."""
        return UnknownIdError(
            f"{self._kind} {external_id!r} is unknown: expected one of the bundle's {len(self)} "
            f"{self._kind} ids, such as {self.values[0]!r}"
        )


def _integer(text: str) -> int | None:
    """The integer whose decimal form is exactly ``text``, or None."""
    try:
        value = int(text)
    except ValueError:
        return None
    return value if str(value) == text else None


@dataclass(frozen=True, eq=False, repr=False)
class Items(Record):
    """The item catalogue: one entry per item in each field."""

    ids: Ids
    titles: Sequence[str]
    genres: Sequence[tuple[str, ...]]
    popularity: NDArray[np.int64]
    """Training interactions of each item, int64 [items]."""

    def __len__(self) -> int:
        return len(self.ids)


def parse_users(content: Content, count: int, where: str) -> Ids:
    """Parse ``count`` user ids, JSON or a table file; BundleError naming the field if it is malformed."""
    if not isinstance(content, bytes) or where.endswith(TABLE_SUFFIX):
        from hanji.runtime.table_file import read_ids  # deferred: most bundles have JSON

        return read_ids(content, count, where)
    table = parse_json(content, where)
    ids = table.ids("ids")
    _check_length(table, "ids", len(ids), count)
    return Ids(ids, "user")


def parse_items(content: Content, count: int, where: str) -> Items:
    """Parse ``count`` items, JSON or a table file; BundleError naming the field if it is malformed."""
    if not isinstance(content, bytes) or where.endswith(TABLE_SUFFIX):
        from hanji.runtime.table_file import read_items

        return read_items(content, count, where)
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
        table.fail("genres", "an array of strings per item")
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # a million items share a few thousand combinations
    tuples: Iterator[tuple[str, ...]] = map(tuple, rows)  # type: ignore[arg-type]  # lists, as checked above
    return tuple(shared.setdefault(row, row) for row in tuples)


def _popularity(table: Table) -> NDArray[np.int64]:
    counts = [as_integer(value) for value in table.array("popularity")]
    if not all(count is not None and 0 <= count <= LARGEST_INTEGER for count in counts):
        table.fail("popularity", f"integers from 0 to {LARGEST_INTEGER}")
    return np.array(counts, np.int64)


def _check_length(table: Table, key: str, found: int, expected: int) -> None:
    if found != expected:
        raise BundleError(
            f"{table.where}: {key}: expected {expected} entries (the manifest's count), found {found}; "
            "export the bundle again"
        )
