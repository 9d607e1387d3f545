"""The results of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from hanji.runtime.records import Record


class Prediction(NamedTuple):
    """One predicted class. A NamedTuple, because creating it must be cheap."""

    rank: int
    label: str
    name: str
    """The label in the requested language, or the label itself."""
    probability: float
    index: int  # type: ignore[assignment]  # overrides tuple.index, which rows do not need
    """Position in the bundle's labels."""


@dataclass(frozen=True, eq=False, repr=False)
class Classification(Record, Sequence[Prediction]):
    """The predicted classes of an image, most probable first; a sequence of its ``predictions``."""

    predictions: tuple[Prediction, ...]

    @property
    def best(self) -> Prediction:
        return self.predictions[0]

    def __len__(self) -> int:
        return len(self.predictions)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Prediction, ...]: ...
    def __getitem__(self, index: int | slice) -> Prediction | tuple[Prediction, ...]:
        return self.predictions[index]


__all__ = ["Classification", "Prediction"]
