"""Parts of the test set on which a small model may lose more than on the whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Slice:
    """Some samples of the test set: ``chosen`` bool [n]."""

    group: str
    name: str
    chosen: NDArray[np.bool_]


__all__ = ["Slice"]
