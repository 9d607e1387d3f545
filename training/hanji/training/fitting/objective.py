"""What a fit minimizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Tensor = Any


@dataclass(frozen=True)
class Objective:
    """``loss(model, *batch)`` is a scalar; ``batch`` gives the shape and type of each array of a batch."""

    loss: Callable[..., Tensor]
    batch: tuple[Any, ...]


__all__ = ["Objective", "Tensor"]
