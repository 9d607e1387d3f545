"""Images with their labels, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNLABELLED = -1
"""Label of an image of unknown class."""


@dataclass(frozen=True)
class LabelledImages:
    """`images` uint8[N, height, width, channels], `labels` int32[N]."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)


__all__ = ["UNLABELLED", "LabelledImages"]
