"""Ranks a catalogue by score (exclusion, filtering, diversification), and explains a score by a history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import HanjiError
from hanji.runtime.results import Item, Reason
from hanji.runtime.top_k import top_k

if TYPE_CHECKING:
    from hanji.runtime.ids import ExternalId, Items

CANDIDATES = 10
"""Candidates per requested item of a diversified ranking."""
_FIRST_DEPTH = 64
_GROWTH = 8  # a selective filter needs only a few more searches, each eight times deeper


class RankingOptions(TypedDict, total=False):
    """Keyword arguments of ``Recommender.recommend`` that select the items of a ranking."""

    exclude: Iterable[ExternalId]
    """Item ids to exclude."""

    exclude_seen: bool
    """Whether to exclude the items of the history as well; True by default."""

    filter: Callable[[Item], bool] | None
    """Called with items in order of descending score until ``k`` pass."""

    diversity: float
    """In [0, 1): diversifies genres by maximal marginal relevance over the top 10·k items."""


class RankingRequest(NamedTuple):
    """Constraints of a ranking: ``excluded`` and ``seen`` (int32 indices) are not ranked."""

    k: int
    excluded: NDArray[np.int32]
    seen: NDArray[np.int32]
    filter: Callable[[Item], bool] | None = None
    diversity: float = 0.0

    def check(self, items: int) -> None:
        """Raise HanjiError if ``k`` or ``diversity`` is out of range for a catalogue of ``items``."""
        available = items - len(self.excluded)
        if not 1 <= self.k <= available:
            without = f", {len(self.excluded)} of them excluded" if len(self.excluded) else ""
            raise HanjiError(
                f"k={self.k}: expected 1 to {available}: the catalogue has {items} items{without}"
            )
        if not 0 <= self.diversity < 1:
            raise HanjiError(f"diversity: expected 0 or more and less than 1, found {self.diversity}")


def ranking(scores: NDArray[Any], items: Items, request: RankingRequest) -> NDArray[np.intp]:
    """Indices of the top ``k`` items, best first; fewer if fewer are available.

    Modifies ``scores`` (real [items]): excluded items are set to minus infinity.
    """
    hidden = _hide(scores, request.excluded, request.seen)
    available = len(scores) - hidden
    if request.filter is None and not request.diversity:
        return _best(scores, min(request.k, available))
    return _reranked(scores, items, request, available)


def shortage_note(found: int, request: RankingRequest) -> str:
    """A note if there are fewer than ``k`` items, else ""."""
    if found == request.k:
        return ""
    causes = {
        "are in the history": len(request.seen) > 0,
        "are excluded": len(request.excluded) > 0,
        "do not pass the filter": request.filter is not None,
    }
    others = " or ".join(cause for cause, holds in causes.items() if holds)
    return f"only {found} of the {request.k} requested items: all others {others}"


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


def _hide(scores: NDArray[Any], excluded: NDArray[np.int32], seen: NDArray[np.int32]) -> int:
    """Exclude both from the ``scores`` and return the number of distinct excluded items."""
    if len(excluded):
        scores[excluded] = -np.inf
    if len(seen):
        scores[seen] = -np.inf
        if len(excluded):
            return len(np.union1d(excluded, seen))
    return len(excluded) + len(seen)


def _reranked(
    scores: NDArray[Any], items: Items, request: RankingRequest, available: int
) -> NDArray[np.intp]:
    wanted = min(request.k * CANDIDATES if request.diversity else request.k, available)
    if request.filter is None:
        candidates = _best(scores, wanted)
    else:
        candidates = _first_that_pass(scores, items, request.filter, wanted, available)
    if not request.diversity or len(candidates) == 0:
        return candidates
    genres = [items.genres[index] for index in candidates.tolist()]
    return candidates[diversified(scores[candidates], genres, request.k, request.diversity)]


def _first_that_pass(
    scores: NDArray[Any], items: Items, passes: Callable[[Item], bool], wanted: int, available: int
) -> NDArray[np.intp]:
    """Test items in order of descending score, until enough pass."""
    found = []
    for index in _descending(scores, available) if wanted else ():
        if passes(Item(items.ids.values[index], items.titles[index], items.genres[index])):
            found.append(index)
            if len(found) == wanted:
                break
    return np.array(found, np.intp)


def _descending(scores: NDArray[Any], available: int) -> Iterator[int]:
    """Lazily yield the indices of the ``available`` highest scores, best first."""
    done, depth = 0, _FIRST_DEPTH
    while done < available:
        depth = min(depth, available)
        yield from top_k(scores, depth)[done:].tolist()
        done, depth = depth, depth * _GROWTH


def _best(scores: NDArray[Any], k: int) -> NDArray[np.intp]:
    return top_k(scores, k) if k else np.empty(0, np.intp)


def diversified(
    scores: NDArray[Any], genres: Sequence[tuple[str, ...]], k: int, diversity: float
) -> list[int]:
    """Positions of ``k`` of the candidates, in selection order.

    ``scores`` (real [n], highest first) and ``genres`` belong to the candidates. Each step selects the
    candidate with the highest (1 - diversity) · relevance - diversity · (largest similarity to a selected
    candidate); ties are broken by position. Relevance is the score scaled to [0, 1] over the candidates;
    similarity is the cosine similarity of the genre sets, 0 for an item without genres. ``diversity`` is in
    [0, 1).
    """
    vectors = _unit_vectors(genres)
    relevance = (1 - diversity) * _scaled(scores)
    nearest = np.zeros(len(scores))  # similarities are nonnegative
    remaining = np.ones(len(scores), np.bool_)
    chosen: list[int] = []
    for _ in range(min(k, len(scores))):
        value = np.where(remaining, relevance - diversity * nearest, -np.inf)
        best = int(value.argmax())
        chosen.append(best)
        remaining[best] = False
        np.maximum(nearest, vectors @ vectors[best], out=nearest)
    return chosen


def _scaled(scores: NDArray[Any]) -> NDArray[np.float64]:
    values = scores.astype(np.float64)
    spread = values.max() - values.min()
    scaled: NDArray[np.float64] = (values - values.min()) / (spread if spread > 0 else 1.0)
    return scaled


def _unit_vectors(genres: Sequence[tuple[str, ...]]) -> NDArray[np.float64]:
    """One row per item, one column per genre, rows of unit length; zero rows for items without genres."""
    columns = {genre: column for column, genre in enumerate(sorted({name for row in genres for name in row}))}
    vectors = np.zeros((len(genres), len(columns)))
    for row, names in enumerate(genres):
        vectors[row, [columns[name] for name in names]] = 1
    lengths = np.sqrt(vectors.sum(axis=1, keepdims=True))
    unit: NDArray[np.float64] = vectors / np.maximum(lengths, 1)
    return unit
