"""What the runtime answers with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple


class Recommendation(NamedTuple):
    """One recommended item. A tuple, because making ten of them must cost next to nothing."""

    rank: int
    item: int | str
    title: str
    genres: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class Recommendations:
    """The items for one user, best first. ``note`` says in words what was not as asked."""

    items: tuple[Recommendation, ...]
    source: Literal["model", "popularity"]
    """"model", or "popularity" for a user the model does not know; scores are then interactions."""
    note: str
    skipped: int
    """Ids in ``exclude`` that the bundle does not know."""

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.items)


@dataclass(frozen=True)
class SelfTest:
    """The outcome of replaying golden.json; ``detail`` says in words what was found."""

    passed: bool
    cases: int
    max_abs_error: float
    tolerance: float
    detail: str
