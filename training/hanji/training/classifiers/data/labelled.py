"""Images with their labels, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hanji.training.content import content_hash

UNLABELLED = -1
"""Label of an image of unknown class."""


@dataclass(frozen=True)
class LabelledImages:
    """`images` uint8[N, height, width, channels], `labels` int32[N]."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def content(self) -> str:
        """Hash of the images and labels."""
        return content_hash(self.images, self.labels)


__all__ = ["UNLABELLED", "LabelledImages"]
