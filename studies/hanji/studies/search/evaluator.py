"""What a search asks about recipes, from the cheapest question to the dearest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hanji.runtime.errors import EngineError
from hanji.studies.variant import Variant
from hanji.training.errors import ConversionError, RecipeError

DETERMINISTIC_ERRORS = (RecipeError, ConversionError, EngineError)
"""Errors that a recipe gives rise to each time; others, such as a full disk, may be gone the next time."""


@dataclass(frozen=True)
class Shape:
    """What is known of a recipe without computing anything."""

    parameters: int
    least_bytes: int
    """Of the weights alone in the recipe's scheme; no file of it is smaller."""

    alive: float
    """Parameters that pruning leaves."""


@dataclass(frozen=True)
class Built:
    """A recipe that was carried out: measured on the exported file, in its engine, by validation data."""

    bytes: int
    latency_ms: float
    """Median of `recommend` or `classify`."""

    metric: float
    sha256: str
    """Of the file."""


@dataclass(frozen=True)
class Finished:
    """Metrics on the test set, of the winner's bundle and of the full model's."""

    winner: dict[str, float]
    full: dict[str, float]
    bytes: int
    sha256: str


class Evaluator(Protocol):
    """Measures recipes; each call raises HanjiError where its recipe cannot be carried out."""

    def shapes(self, variants: Sequence[Variant]) -> list[Shape | str]:
        """Of each variant, or why it can have none."""
        ...

    def untrained_bytes(self, shape: Variant) -> int:
        """The size of the file that a network of this shape and scheme makes, its weights drawn at random."""
        ...

    def untrained_ms(self, shape: Variant) -> float:
        """The median of the engine's own call with that file, one thread."""
        ...

    def built(self, variant: Variant, resume_from: Variant | None) -> Built:
        """Train, export and measure, reusing the trainings of steps shared with ``resume_from``."""
        ...

    def finished(self, winner: Variant) -> Finished:
        """Write the winner's bundle, and read the test set."""
        ...


__all__ = ["DETERMINISTIC_ERRORS", "Built", "Evaluator", "Finished", "Shape"]
