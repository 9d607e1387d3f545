"""Shared methods of the frozen dataclasses that are imported for opening a bundle."""

from __future__ import annotations

from dataclasses import fields
from typing import Any


class Record:
    """Equality, hash and repr of a frozen dataclass, equivalent to those that ``dataclass`` generates.

    Generating them for about thirty classes would dominate the import time of opening a bundle, so these
    classes are declared with ``eq=False, repr=False`` and inherit from this one.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash(_values(self))

    def __repr__(self) -> str:
        names = [field.name for field in fields(self)]  # type: ignore[arg-type]  # subclasses are dataclasses
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({shown})"


def _values(record: Any) -> tuple[object, ...]:
    return tuple(getattr(record, field.name) for field in fields(record))
