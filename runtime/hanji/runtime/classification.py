"""What a classifier answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from hanji.runtime.records import Record


class Prediction(NamedTuple):
    """One class that a picture may show. A tuple, because making five of them must cost next to nothing."""

    rank: int
    label: str
    name: str
    """The label in the language that was asked for, or the label itself."""
    probability: float
    index: int  # type: ignore[assignment]  # a row is asked for its class, never searched like a tuple
    """Its place among the bundle's labels."""


@dataclass(frozen=True, eq=False, repr=False)
class Classification(Record, Sequence[Prediction]):
    """What a picture shows, the most probable class first; a sequence of its ``predictions``."""

    predictions: tuple[Prediction, ...]

    @property
    def best(self) -> Prediction:
        return self.predictions[0]

    def __len__(self) -> int:
        return len(self.predictions)

    @overload
    def __getitem__(self, place: int) -> Prediction: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Prediction, ...]: ...
    def __getitem__(self, place: int | slice) -> Prediction | tuple[Prediction, ...]:
        return self.predictions[place]


__all__ = ["Classification", "Prediction"]
