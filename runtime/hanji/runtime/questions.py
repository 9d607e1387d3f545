"""What a model is asked with: own ids turned into its inputs, and what is said of those it does not know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import HanjiError

if TYPE_CHECKING:
    from hanji.runtime.ids import Ids, OwnId


NOTHING: NDArray[np.int32] = np.empty(0, np.int32)
"""Indices of no item."""


class Known(NamedTuple):
    """Indices of the items that are known, int32 [n], each once, and how many ids were not."""

    indices: NDArray[np.int32]
    skipped: int


class Question(NamedTuple):
    """A signature with its inputs; ``inputs`` is None where the model knows nothing of the user."""

    signature: str
    inputs: dict[str, NDArray[np.int32]] | None
    seen: NDArray[np.int32]
    """Indices of the history's items, int32 [n], oldest first; empty for a user."""
    note: str
    skipped: int


def known_items(owns: Iterable[OwnId], ids: Ids, unknown: str, what: str) -> Known:
    """The known items among ``owns``, in their order; a repeat counts once, where it came last.

    What is not known is skipped and counted, or is an UnknownIdError where ``unknown`` is "error".
    ``what`` names the argument in the TypeError of a text or of what cannot be an id.
    """
    if isinstance(owns, str):
        raise TypeError(f"{what}: expected item ids, found one text: {owns!r}")
    listed = list(owns)
    if not listed:
        return Known(NOTHING, 0)
    found = ids.indices_of(listed)
    distinct = set(found)
    if len(distinct) == len(found) and None not in distinct:
        return Known(np.array(found, np.int32), 0)
    skipped = found.count(None)
    if skipped and unknown == "error":
        raise ids.unknown(listed[found.index(None)])
    latest_first = dict.fromkeys(reversed(found))
    return Known(
        np.array([index for index in reversed(latest_first) if index is not None], np.int32), skipped
    )


def skipped_note(what: str, skipped: int) -> str:
    """What is said of ids that were skipped, nothing if none was."""
    return f"{what} ids that this bundle does not know, skipped: {skipped}" if skipped else ""


def user_question(user: OwnId, users: Ids, unknown: str) -> Question:
    """The question for one of the bundle's users; ``unknown`` is what the manifest says others get."""
    index = users.index_of(user)
    if index is not None:
        return Question("catalogue", {"user": np.array([index], np.int32)}, NOTHING, "", 0)
    if unknown == "error":
        raise users.unknown(user)
    note = f"user {user!r} is unknown to this bundle: ranked by popularity"
    return Question("catalogue", None, NOTHING, note, 0)


def history_question(history: Iterable[OwnId], items: Ids, unknown: str) -> Question:
    """The question for a history of own item ids, oldest first.

    Its input is exactly as long as what is known of the history: no padding, engines take any length.
    """
    seen, skipped = known_items(history, items, unknown, "history")
    note = skipped_note("history", skipped)
    if len(seen):
        return Question("history", {"history": seen}, seen, note, skipped)
    return Question("history", None, seen, "; ".join(filter(None, [_POPULAR, note])), skipped)


def wrong_asker(takes: str, user: object, history: object) -> HanjiError:
    """The error of a call that gives anything but the one of both that the bundle takes."""
    given = [name for name, value in (("user", user), ("history", history)) if value is not None]
    return HanjiError(f"expected {_TAKES[takes]}; found {' and '.join(given) or 'neither user nor history'}")


_POPULAR = "the history holds no item that this bundle knows: ranked by popularity"
_TAKES = {
    "user": "user=ID: this bundle takes the id of a user it was trained on, no history",
    "history": "history=[ID, …]: this bundle takes the user's own history and knows no users",
}
