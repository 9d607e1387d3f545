"""The interface for measuring recipes in a search, from the cheapest measurement to the most expensive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hanji.runtime.errors import EngineError
from hanji.studies.variant import Variant
from hanji.training.errors import ConversionError, RecipeError

DETERMINISTIC_ERRORS = (RecipeError, ConversionError, EngineError)
"""Errors that a recipe reproduces every time; others, such as a full disk, may not recur."""


@dataclass(frozen=True)
class Shape:
    """The size of a recipe's model, known without any conversion or training."""

    parameters: int
    min_bytes: int
    """Bytes of the weights in the recipe's scheme, a lower bound for the file."""

    nonzero: float
    """Parameters that are not pruned."""


@dataclass(frozen=True)
class Built:
    """Measurements of a trained and exported recipe: of its file, in its engine, on the validation data."""

    bytes: int
    latency_ms: float
    """Median of `recommend` or `classify`."""

    metric: float
    sha256: str
    """Hash of the file."""


@dataclass(frozen=True)
class Finished:
    """Test metrics of the winner's bundle and of the full model's, and the winner's file."""

    winner: dict[str, float]
    full: dict[str, float]
    bytes: int
    sha256: str


class Evaluator(Protocol):
    """Measures recipes; calls raise HanjiError for a recipe that fails."""

    def shapes(self, variants: Sequence[Variant]) -> list[Shape | str]:
        """The shape of each variant, or the error of an invalid one."""
        ...

    def untrained_bytes(self, shape: Variant) -> int:
        """The size of the exported file with this architecture and scheme, and random weights."""
        ...

    def untrained_ms(self, shape: Variant) -> float:
        """Median latency of the engine's call with that file and one thread."""
        ...

    def build(self, variant: Variant, resume_from: Variant | None) -> Built:
        """Train, export and measure, reusing the trainings of steps shared with ``resume_from``."""
        ...

    def finish(self, winner: Variant) -> Finished:
        """Write the winner's bundle and evaluate it on the test set."""
        ...


__all__ = ["DETERMINISTIC_ERRORS", "Built", "Evaluator", "Finished", "Shape"]
