"""From the scores of a catalogue to the items that are shown: what is left out, filtered and spread."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import HanjiError
from hanji.runtime.results import Item
from hanji.runtime.top_k import top_k

if TYPE_CHECKING:
    from hanji.runtime.ids import Items

_FIRST_LOOK = 64
_GROWTH = 8  # a filter that lets little through costs a few more looks, each eight times deeper


class Wishes(NamedTuple):
    """How the ranking is to be; ``excluded`` and ``seen`` (int32) are items that may not be in it."""

    k: int
    excluded: NDArray[np.int32]
    seen: NDArray[np.int32]
    filter: Callable[[Item], bool] | None
    diversity: float

    def check(self, items: int) -> None:
        """HanjiError for a ``k`` or a ``diversity`` that cannot be had from a catalogue of ``items``."""
        available = items - len(self.excluded)
        if not 1 <= operator.index(self.k) <= available:
            without = f", {len(self.excluded)} of them excluded" if len(self.excluded) else ""
            raise HanjiError(
                f"k={self.k}: expected 1 to {available}: the catalogue holds {items} items{without}"
            )
        if not 0 <= self.diversity < 1:
            raise HanjiError(f"diversity: expected 0 or more and less than 1, found {self.diversity}")


def ranking(scores: NDArray[Any], items: Items, wishes: Wishes) -> NDArray[np.intp]:
    """Indices of the items to show, best first: ``k`` of them, or fewer if no more may be shown.

    Changes ``scores`` (real [items]): what is left out falls below every finite score.
    """
    hidden = _hide(scores, wishes.excluded, wishes.seen)
    available = len(scores) - hidden
    if wishes.filter is None and not wishes.diversity:
        return _best(scores, min(wishes.k, available))
    return _by_wishes(scores, items, wishes, available)


def shortage_note(found: int, wishes: Wishes) -> str:
    """What is said if fewer than ``k`` items may be shown, else nothing."""
    if found == wishes.k:
        return ""
    causes = {
        "are in the history": len(wishes.seen) > 0,
        "are excluded": len(wishes.excluded) > 0,
        "do not pass the filter": wishes.filter is not None,
    }
    others = " or ".join(cause for cause, holds in causes.items() if holds)
    return f"{found} of the {wishes.k} items asked for: all others {others}"


def _hide(scores: NDArray[Any], excluded: NDArray[np.int32], seen: NDArray[np.int32]) -> int:
    """Takes both out of the ``scores``; how many items these are, each counted once."""
    if len(excluded):
        scores[excluded] = -np.inf
    if len(seen):
        scores[seen] = -np.inf
        if len(excluded):
            return len(np.union1d(excluded, seen))
    return len(excluded) + len(seen)


def _by_wishes(scores: NDArray[Any], items: Items, wishes: Wishes, available: int) -> NDArray[np.intp]:
    from hanji.runtime.rerank import CANDIDATES, diversified

    wanted = min(wishes.k * CANDIDATES if wishes.diversity else wishes.k, available)
    if wishes.filter is None:
        candidates = _best(scores, wanted)
    else:
        candidates = _first_that_pass(scores, items, wishes.filter, wanted, available)
    if not wishes.diversity or len(candidates) == 0:
        return candidates
    genres = [items.genres[index] for index in candidates.tolist()]
    return candidates[diversified(scores[candidates], genres, wishes.k, wishes.diversity)]


def _first_that_pass(
    scores: NDArray[Any], items: Items, passes: Callable[[Item], bool], wanted: int, available: int
) -> NDArray[np.intp]:
    """From the best score downwards, and no further than it takes."""
    found = []
    for index in _downwards(scores, available) if wanted else ():
        if passes(Item(items.ids.values[index], items.titles[index], items.genres[index])):
            found.append(index)
            if len(found) == wanted:
                break
    return np.array(found, np.intp)


def _downwards(scores: NDArray[Any], available: int) -> Iterator[int]:
    """Indices of the ``available`` highest scores, best first, searched for as they are asked for."""
    done, depth = 0, _FIRST_LOOK
    while done < available:
        depth = min(depth, available)
        yield from top_k(scores, depth)[done:].tolist()
        done, depth = depth, depth * _GROWTH


def _best(scores: NDArray[Any], k: int) -> NDArray[np.intp]:
    return top_k(scores, k) if k else np.empty(0, np.intp)


__all__ = ["Wishes", "ranking", "shortage_note"]
