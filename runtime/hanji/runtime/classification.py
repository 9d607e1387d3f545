"""What a classifier answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload


@dataclass(frozen=True)
class Prediction:
    """One class that a picture may show."""

    rank: int
    label: str
    name: str
    """The label in the language that was asked for, or the label itself."""
    probability: float
    index: int
    """Its place among the bundle's labels."""


@dataclass(frozen=True)
class Classification(Sequence[Prediction]):
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
