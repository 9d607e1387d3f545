"""Metrics by group of users, to see whether a recommender serves some groups worse than others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.training.recommenders import metrics
from hanji.training.recommenders.data.user_groups import Attributes, user_groups


@dataclass(frozen=True)
class GroupMetrics:
    """HR@10 and NDCG@10 of the test rows of the users with one value of an attribute."""

    attribute: str
    value: str
    rows: int
    hr_at_10: float
    hr_margin: float
    """Half of the 95 % interval of HR@10 that comes from the number of rows."""

    ndcg_at_10: float
    ndcg_margin: float


def metrics_by_group(
    ranks: NDArray[np.int64], users: NDArray[np.int32], attributes: Attributes
) -> list[GroupMetrics]:
    """The metrics of each group; ``ranks`` int64 [rows] of the held-out items of ``users`` int32 [rows]."""
    return [
        _of_group(group.attribute, group.value, ranks[group.mask]) for group in user_groups(attributes, users)
    ]


def _of_group(attribute: str, value: str, ranks: NDArray[np.int64]) -> GroupMetrics:
    hit_ratio = metrics.hit_ratio(ranks, metrics.K)
    error = float(np.sqrt(hit_ratio * (1.0 - hit_ratio) / len(ranks)))
    return GroupMetrics(
        attribute=attribute,
        value=value,
        rows=len(ranks),
        hr_at_10=hit_ratio,
        hr_margin=metrics.HALF_INTERVAL * error,
        ndcg_at_10=metrics.ndcg(ranks, metrics.K),
        ndcg_margin=metrics.HALF_INTERVAL * metrics.ndcg_standard_error(ranks, metrics.K),
    )


def lines_of(groups: Sequence[GroupMetrics]) -> list[str]:
    """The groups as lines of text, by attribute."""
    if not groups:
        return []
    widest = max(len(group.value) for group in groups)
    lines = []
    for attribute in dict.fromkeys(group.attribute for group in groups):
        lines.append(f"by {attribute} (± is a 95 % interval)")
        lines += [
            f"  {group.value:<{widest}}  {group.rows:>9,} test items  "
            f"hr_at_10 {group.hr_at_10:.4f} ± {group.hr_margin:.4f}  "
            f"ndcg_at_10 {group.ndcg_at_10:.4f} ± {group.ndcg_margin:.4f}"
            for group in groups
            if group.attribute == attribute
        ]
    return lines


__all__ = ["GroupMetrics", "lines_of", "metrics_by_group"]
