"""What a recommender and every self-test answer with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hanji.runtime.records import Record


class Item(NamedTuple):
    """What a bundle says of an item: what ``filter`` is asked about."""

    id: int | str
    title: str
    genres: tuple[str, ...]


class Reason(NamedTuple):
    """An item of the history that raised the score of a recommended one."""

    item: int | str
    title: str
    share: float
    """Its part of all that raised the score, above 0 and at most 1; over all such items they sum to 1."""
    contribution: float
    """What it added to the score itself."""


class Recommendation(NamedTuple):
    """One recommended item. A tuple, because making ten of them must cost next to nothing."""

    rank: int
    item: int | str
    title: str
    genres: tuple[str, ...]
    score: float
    why: tuple[Reason, ...] = ()
    """The reasons that were asked for with ``explain``, the strongest first."""


@dataclass(frozen=True, eq=False, repr=False)
class Recommendations(Record):
    """The items for one user, best first. ``note`` says in words what was not as asked."""

    items: tuple[Recommendation, ...]
    source: Literal["model", "popularity"]
    """"model", or "popularity" where the model knows nothing of the user; scores are then interactions."""
    note: str
    skipped: int
    """Ids in ``history`` and ``exclude`` that the bundle does not know."""

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.items)


@dataclass(frozen=True, eq=False, repr=False)
class SelfTest(Record):
    """The outcome of replaying golden.json; ``detail`` says in words what was found."""

    passed: bool
    cases: int
    max_abs_error: float
    tolerance: float
    detail: str
