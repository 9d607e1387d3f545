"""Turns the contributions of history items to a score into reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.results import Reason
from hanji.runtime.top_k import top_k

if TYPE_CHECKING:
    from hanji.runtime.ids import Items


def reasons(
    contributions: NDArray[np.float32], seen: NDArray[np.int32], items: Items, k: int
) -> list[Reason]:
    """The ``k`` items of the history that raised the score most; fewer if fewer raised it.

    ``contributions`` (float32 [n]) belong to the item indices ``seen``. Items that lowered the score are not
    reasons: shares are relative to the sum of the positive contributions.
    """
    total = float(contributions[contributions > 0].sum(dtype=np.float64))
    rows = []
    for position in top_k(contributions, min(k, len(seen))).tolist():
        contribution = float(contributions[position])
        if contribution <= 0:
            break
        index = int(seen[position])
        rows.append(Reason(items.ids.values[index], items.titles[index], contribution / total, contribution))
    return rows


__all__ = ["reasons"]
