"""Columns of a table file, read where they lie: a value becomes a Python object when it is asked for."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T")


class Column(Sequence[_T]):
    """A sequence whose values are made on demand; a slice is a tuple."""

    def __init__(self, length: int) -> None:
        self._rows = range(length)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> _T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[_T, ...]: ...

    def __getitem__(self, index: int | slice) -> _T | tuple[_T, ...]:
        if isinstance(index, slice):
            return tuple(map(self._at, self._rows[index]))
        return self._at(self._rows[index])

    @abstractmethod
    def _at(self, row: int) -> _T:
        """The value of a row that exists."""


class Consecutive(Column[int]):
    """The ``count`` integers from ``first`` on."""

    def __init__(self, first: int, count: int) -> None:
        super().__init__(count)
        self._first = first

    def _at(self, row: int) -> int:
        return self._first + row

    def find(self, value: int) -> int | None:
        """The row of a value, or None if no row has it."""
        row = value - self._first
        return row if 0 <= row < len(self) else None


class Integers(Column[int]):
    """Integers, int64 [n]."""

    def __init__(self, values: NDArray[np.int64]) -> None:
        super().__init__(len(values))
        self._values = values.data  # a memoryview returns Python integers, twice as fast as an array

    def _at(self, row: int) -> int:
        value: int = self._values[row]
        return value


class Texts(Column[str]):
    """Strings in UTF-8: row i is ``read(offsets[i], offsets[i + 1])``, the bytes from and to there."""

    def __init__(self, offsets: NDArray[np.uint32], read: Callable[[int, int], bytes]) -> None:
        super().__init__(len(offsets) - 1)
        self.offsets = offsets
        self._offsets, self._read = offsets.data, read

    def bytes_at(self, row: int) -> bytes:
        """The UTF-8 bytes of a row that exists."""
        return self._read(self._offsets[row], self._offsets[row + 1])

    def _at(self, row: int) -> str:
        return self.bytes_at(row).decode()


class TextLists(Column[tuple[str, ...]]):
    """Lists of strings that rows share.

    Row i has the list ``rows[i]`` (uint32 [n]). List j has the ``names`` with the numbers
    ``members[offsets[j] : offsets[j + 1]]`` (both uint32).
    """

    def __init__(
        self,
        rows: NDArray[np.uint32],
        offsets: NDArray[np.uint32],
        members: NDArray[np.uint32],
        names: Texts,
    ) -> None:
        super().__init__(len(rows))
        self._lists, self._offsets, self._members = rows.data, offsets.data, members.data
        self._names = names

    def _at(self, row: int) -> tuple[str, ...]:
        number = self._lists[row]
        members = self._members[self._offsets[number] : self._offsets[number + 1]]
        return tuple(map(self._names.__getitem__, members))


def binary_search(order: NDArray[np.uint32], value_at: Callable[[int], Any]) -> Callable[[Any], int | None]:
    """A function that returns the row of a value, or None if no row has it.

    ``order`` (uint32 [n]) are the rows by ascending value, ``value_at`` returns the value of a row.
    """
    rows = order.data

    def find(value: Any) -> int | None:
        position = bisect_left(rows, value, key=value_at)
        if position == len(rows) or value_at(rows[position]) != value:
            return None
        row: int = rows[position]
        return row

    return find
