"""What the fitting loop sees of the data: epochs, drawn one at a time, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np


class Epoch(Protocol):
    """What one epoch sees, in batches of arrays that an Objective takes."""

    def steps(self, batch_size: int) -> int: ...

    def batches(self, batch_size: int) -> Iterator[tuple[Any, ...]]: ...


EpochSource = Callable[[np.random.Generator], Epoch]
"""Draws what one epoch sees, in training order."""


__all__ = ["Epoch", "EpochSource"]
