"""Slices of the test set, on which a compressed model may lose more than on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Slice:
    """A subset of the test samples: ``mask`` bool [n]."""

    group: str
    name: str
    mask: NDArray[np.bool_]


__all__ = ["Slice"]
