"""Who met what, as arrays of indices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Interactions:
    """`users` int32[n], `items` int32[n] (indices, not ids) and `timestamps` int64[n].

    `timestamps` is None where the data holds no order: no times at all, or the same one everywhere.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    timestamps: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Interactions:
        """The interactions at these row numbers, or where this mask is true."""
        timestamps = None if self.timestamps is None else self.timestamps[rows]
        return Interactions(self.users[rows], self.items[rows], timestamps)
