"""Results of recommenders and self-tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hanji.runtime.records import Record


class Item(NamedTuple):
    """An item as passed to ``filter``."""

    id: int | str
    title: str
    genres: tuple[str, ...]


class Reason(NamedTuple):
    """An item of the history that raised the score of a recommended one."""

    item: int | str
    title: str
    share: float
    """Fraction of the total positive contribution, in (0, 1]; the shares of all such items sum to 1."""
    contribution: float
    """Amount added to the score."""


class Recommendation(NamedTuple):
    """One recommended item. A NamedTuple, because creating it must be cheap."""

    rank: int
    item: int | str
    title: str
    genres: tuple[str, ...]
    score: float
    why: tuple[Reason, ...] = ()
    """Reasons, strongest first, if requested with ``explain``."""


@dataclass(frozen=True, eq=False, repr=False)
class Recommendations(Record):
    """Recommended items, best first. ``note`` describes deviations from the request."""

    items: tuple[Recommendation, ...]
    source: Literal["model", "popularity"]
    """"model", or "popularity" for an unknown user or history; scores are then interaction counts."""
    note: str
    skipped: int
    """Number of ids in ``history`` and ``exclude`` that are not in the bundle."""

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.items)


@dataclass(frozen=True, eq=False, repr=False)
class SelfTest(Record):
    """The result of replaying golden.json; ``detail`` is a readable summary."""

    passed: bool
    cases: int
    max_abs_error: float
    tolerance: float
    detail: str
