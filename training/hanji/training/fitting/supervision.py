"""Supervision of a fit: epochs of batched samples, and an objective on the batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Tensor = Any


class Epoch(Protocol):
    """The samples of one epoch, in batches of arrays that an Objective takes."""

    def steps(self, batch_size: int) -> int: ...

    def batches(self, batch_size: int) -> Iterator[tuple[Any, ...]]: ...


EpochSource = Callable[[np.random.Generator], Epoch]
"""Draws the samples of one epoch, in training order."""


@dataclass(frozen=True)
class Objective:
    """``loss(model, *batch)`` returns a scalar; ``batch`` has the tensor spec of each array of a batch."""

    loss: Callable[..., Tensor]
    batch: tuple[Any, ...]
    sparse: bool = False
    """The loss gathers different rows of a table, once each; a step then costs what these rows cost."""


@dataclass(frozen=True)
class Supervision:
    """The samples of each epoch, and the objective on their batches."""

    epochs: EpochSource
    objective: Objective


__all__ = ["Epoch", "EpochSource", "Objective", "Supervision", "Tensor"]
