"""Groups of users by the attributes in the users file, for metrics by group.

Attributes stay on the server: models do not see them, and no bundle contains them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.training.recommenders.data.raw import RawUsers

FEWEST_USERS = 10
"""Smaller groups are not reported: their metrics are noise, and say much about single users."""

Attributes = Mapping[str, tuple[str, ...]]
"""The values of each attribute, one per user of the catalogue; empty where unknown."""


@dataclass(frozen=True)
class UserGroup:
    """The test rows of the users with one value of an attribute: ``mask`` bool [rows]."""

    attribute: str
    value: str
    mask: NDArray[np.bool_]


def attributes_of(users: RawUsers | None, user_ids: Sequence[object]) -> Attributes:
    """The attributes of these users, by name."""
    if users is None:
        return {}
    unknown = ("",) * len(users.names)
    rows = [users.values.get(str(user), unknown) for user in user_ids]
    return {name: tuple(row[index] for row in rows) for index, name in enumerate(users.names)}


def user_groups(attributes: Attributes, users: NDArray[np.int32]) -> list[UserGroup]:
    """The groups of test rows, whose ``users`` int32 [rows] are; by attribute, then by value.

    Groups of fewer than FEWEST_USERS users are left out, as are users without a value.
    """
    groups = []
    for attribute, values in attributes.items():
        of_rows = np.array(values, object)[users]
        for value in sorted({value for value in values if value}, key=_order):
            mask = np.asarray(of_rows == value, np.bool_)
            if len(np.unique(users[mask])) >= FEWEST_USERS:
                groups.append(UserGroup(attribute, value, mask))
    return groups


def described(attributes: Attributes) -> list[str]:
    """One line per attribute: how many users have each value."""
    lines = []
    for name, values in attributes.items():
        counts = Counter(values)
        known = len(values) - counts.pop("", 0)
        texts = [
            f"{value} {count:,}" for value, count in sorted(counts.items(), key=lambda it: _order(it[0]))
        ]
        lines.append(f"{name}: known of {known:,} of {len(values):,} users ({', '.join(texts)})")
    return lines


def _order(value: str) -> tuple[float, str]:
    """Numbers by size, then texts."""
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value


__all__ = ["FEWEST_USERS", "Attributes", "UserGroup", "attributes_of", "described", "user_groups"]
