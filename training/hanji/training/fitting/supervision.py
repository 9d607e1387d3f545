"""Supervision of a fit: epochs of batched samples, and an objective on the batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from hanji.training.errors import RecipeError

Tensor = Any


class Epoch(Protocol):
    """The samples of one epoch, in batches of arrays that an Objective takes."""

    def steps(self, batch_size: int) -> int: ...

    def batches(self, batch_size: int) -> Iterator[tuple[Any, ...]]: ...


EpochSource = Callable[[np.random.Generator], Epoch]
"""Draws the samples of one epoch, in training order."""


@dataclass(frozen=True)
class Part:
    """The part of each batch that one of ``count`` workers computes."""

    index: int
    count: int

    def of(self, rows: int) -> slice:
        """Its rows of a batch; RecipeError if the batch has fewer rows than there are workers."""
        if rows < self.count:
            raise RecipeError(
                f"training.batch_size: expected at least one row of each batch for each of {self.count} "
                f"workers, found batches of {rows}; use a larger batch_size or fewer workers"
            )
        return slice(rows * self.index // self.count, rows * (self.index + 1) // self.count)


Batch = tuple[Any, ...]
Share = Callable[[Batch, Part], tuple[Batch, float]]
"""The part of a batch, and its fraction of the batch's rows: the weight of its loss in that of the batch."""


@dataclass(frozen=True)
class Objective:
    """``loss(model, *batch)`` returns a scalar; ``batch`` has the tensor spec of each array of a batch."""

    loss: Callable[..., Tensor]
    batch: tuple[Any, ...]
    sparse: bool = False
    """The loss gathers different rows of a table, once each, and for all parts of a batch the same ones; a
    step then costs what these rows cost."""

    share: Share | None = None
    """None if batches cannot be divided among workers."""


@dataclass(frozen=True)
class Supervision:
    """The samples of each epoch, and the objective on their batches."""

    epochs: EpochSource
    objective: Objective
    prefetch: bool = False
    """Prepare the next batch while a step runs: it takes about as long, because items are sampled or a
    teacher computes scores."""


__all__ = ["Batch", "Epoch", "EpochSource", "Objective", "Part", "Share", "Supervision", "Tensor"]
