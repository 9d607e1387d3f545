"""From what each item of a history brought to a score to the reasons that are shown."""

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
    """The ``k`` items of the history that raised the score most, fewer if fewer raised it.

    ``contributions`` (float32 [n]) belong to the item indices ``seen``. An item that lowered the score is no
    reason for it: shares are parts of the sum of the positive contributions.
    """
    raised = float(contributions[contributions > 0].sum(dtype=np.float64))
    rows = []
    for place in top_k(contributions, min(k, len(seen))).tolist():
        contribution = float(contributions[place])
        if contribution <= 0:
            break
        index = int(seen[place])
        rows.append(Reason(items.ids.values[index], items.titles[index], contribution / raised, contribution))
    return rows


__all__ = ["reasons"]
