"""Converts external ids to model inputs, and describes unknown ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import HanjiError

if TYPE_CHECKING:
    from hanji.runtime.ids import ExternalId, Ids


NO_ITEMS: NDArray[np.int32] = np.empty(0, np.int32)
"""An empty array of item indices."""


class KnownItems(NamedTuple):
    """Unique indices of the known items, int32 [n], and the number of skipped unknown ids."""

    indices: NDArray[np.int32]
    skipped: int


class Query(NamedTuple):
    """A signature and its inputs; ``inputs`` is None if the user, or the whole history, is unknown."""

    signature: str
    inputs: dict[str, NDArray[np.int32]] | None
    seen: NDArray[np.int32]
    """Item indices of the history, int32 [n], oldest first; empty for a user id."""
    note: str
    skipped: int


def known_items(external_ids: Iterable[ExternalId], ids: Ids, unknown: str, what: str) -> KnownItems:
    """The known items among ``external_ids``, in order; of duplicates the last occurrence is kept.

    Unknown ids are skipped and counted, or raise UnknownIdError if ``unknown`` is "error". ``what`` names the
    argument in the TypeError for a string.
    """
    if isinstance(external_ids, str):
        raise TypeError(f"{what}: expected item ids, found one string: {external_ids!r}")
    listed = list(external_ids)
    if not listed:
        return KnownItems(NO_ITEMS, 0)
    found = ids.indices_of(listed)
    distinct = set(found)
    if len(distinct) == len(found) and None not in distinct:
        return KnownItems(np.array(found, np.int32), 0)
    skipped = found.count(None)
    if skipped and unknown == "error":
        raise ids.unknown(listed[found.index(None)])
    latest_first = dict.fromkeys(reversed(found))
    return KnownItems(
        np.array([index for index in reversed(latest_first) if index is not None], np.int32), skipped
    )


def skipped_note(what: str, skipped: int) -> str:
    """A note about skipped ids, or "" if none were skipped."""
    return f"unknown {what} ids skipped: {skipped}" if skipped else ""


def user_query(user: ExternalId, users: Ids, unknown: str) -> Query:
    """The query for a user id; ``unknown`` is the manifest's policy for unknown users."""
    index = users.index_of(user)
    if index is not None:
        return Query("catalogue", {"user": np.array([index], np.int32)}, NO_ITEMS, "", 0)
    if unknown == "error":
        raise users.unknown(user)
    note = f"user {user!r} is unknown to this bundle: ranked by popularity"
    return Query("catalogue", None, NO_ITEMS, note, 0)


def history_query(history: Iterable[ExternalId], items: Ids, unknown: str) -> Query:
    """The query for a history of external item ids, oldest first.

    The input has one entry per known item and no padding: engines accept any length.
    """
    seen, skipped = known_items(history, items, unknown, "history")
    note = skipped_note("history", skipped)
    if len(seen):
        return Query("history", {"history": seen}, seen, note, skipped)
    return Query("history", None, seen, "; ".join(filter(None, [_POPULAR, note])), skipped)


def wrong_input(takes: str, user: object, history: object) -> HanjiError:
    """The error for a call without exactly the argument that the bundle takes."""
    given = [name for name, value in (("user", user), ("history", history)) if value is not None]
    return HanjiError(f"expected {_TAKES[takes]}; found {' and '.join(given) or 'neither user nor history'}")


_POPULAR = "the history contains no known item: ranked by popularity"
_TAKES = {
    "user": "user=ID: this bundle takes the id of a user in its training data, not a history",
    "history": "history=[ID, …]: this bundle takes the user's history and has no users",
}
