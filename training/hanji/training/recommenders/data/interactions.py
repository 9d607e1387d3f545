"""Interactions as indices, the catalogue that the indices refer to, and the test rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.content import content_hash
from hanji.training.recommenders.data.raw import Ids, ItemText

BLOCK = 1 << 22
"""Rows that are processed at once, to limit the memory."""


@dataclass(frozen=True)
class Interactions:
    """`users` int32[n], `items` int32[n] (indices, not ids) and `timestamps` int64[n].

    `timestamps` is None if the data defines no order: it has no times, or all of them are equal.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    timestamps: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.users)

    @cached_property
    def content(self) -> str:
        """Hash of the arrays."""
        return content_hash(self.users, self.items, self.timestamps)

    def compressed(self, kept: NDArray[np.bool_]) -> Interactions:
        """The interactions where `kept` is true, in the same arrays, which are overwritten."""
        times = None if self.timestamps is None else compressed(self.timestamps, kept)
        return Interactions(compressed(self.users, kept), compressed(self.items, kept), times)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Interactions:
        """The interactions at these row numbers, or where this mask is true."""
        timestamps = None if self.timestamps is None else self.timestamps[rows]
        return Interactions(self.users[rows], self.items[rows], timestamps)


def compressed(array: NDArray[Any], kept: NDArray[np.bool_]) -> NDArray[Any]:
    """The rows where `kept` is true, moved to the beginning of the same array, which may be large."""
    end = 0
    for start in range(0, len(array), BLOCK):
        rows = array[start : start + BLOCK][kept[start : start + BLOCK]]
        array[end : end + len(rows)] = rows
        end += len(rows)
    return array[:end]


def counts_of(
    positions: NDArray[np.int32], minlength: int = 0, rows: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """How often each position occurs, or occurs where ``rows`` is true; in blocks, to limit the memory."""
    counts = np.zeros(max(minlength, int(positions.max(initial=-1)) + 1), np.int64)
    for start in range(0, len(positions), BLOCK):
        block = positions[start : start + BLOCK]
        chosen = block if rows is None else block[rows[start : start + BLOCK]]
        counts += np.bincount(chosen, minlength=len(counts))
    return counts


@dataclass(frozen=True)
class Catalogue:
    """The data's own ids, titles and popularity, in the order of the model's indices.

    Ids are integers if every id in the data is a canonical integer ("7", not "007"), else text.
    """

    user_ids: tuple[str, ...] | tuple[int, ...]
    item_ids: tuple[str, ...] | tuple[int, ...]
    titles: tuple[str, ...]
    """One per item; the id as text if it has no title."""

    genres: tuple[tuple[str, ...], ...]
    """One tuple per item, empty where unknown."""

    popularity: tuple[int, ...]
    """Training interactions per item; 0 for items that occur only among the test candidates."""

    cold_items: int = 0
    """Items at the end of the catalogue that nobody interacted with (``data.cold_items``). They are neither
    trained on nor candidates of the evaluation."""

    @property
    def users(self) -> int:
        """Number of users."""
        return len(self.user_ids)

    @property
    def items(self) -> int:
        """Number of items."""
        return len(self.item_ids)

    @property
    def warm_items(self) -> int:
        """Number of items without the cold ones."""
        return self.items - self.cold_items

    def without_cold_items(self) -> Catalogue:
        """The same without items that nobody interacted with."""
        end = self.warm_items
        return replace(
            self,
            item_ids=self.item_ids[:end],
            titles=self.titles[:end],
            genres=self.genres[:end],
            popularity=self.popularity[:end],
            cold_items=0,
        )


def catalogue_from(
    user_ids: Ids,
    item_ids: Ids,
    texts: Mapping[str, ItemText],
    train: Interactions,
    *,
    cold_items: int = 0,
) -> Catalogue:
    """The catalogue of these ids, the last `cold_items` of which nobody interacted with; with titles where
    known and popularity counted in `train`."""
    items = item_ids.tolist()
    known = [texts.get(str(item)) or ItemText(str(item), ()) for item in items]
    return Catalogue(
        user_ids=tuple(user_ids.tolist()),
        item_ids=tuple(items),
        titles=tuple(text.title or str(item) for text, item in zip(known, items, strict=True)),
        genres=tuple(text.genres for text in known),
        popularity=tuple(counts_of(train.items, len(items)).tolist()),
        cold_items=cold_items,
    )


LEAVE_ONE_OUT = "leave-one-out"


def protocol_of(negatives: int, split: str = LEAVE_ONE_OUT) -> str:
    """The evaluation protocol with this number of sampled negatives, as a phrase."""
    return ranked_among(f"{negatives} sampled negatives", split)


def ranked_among(candidates: str, split: str) -> str:
    """The protocol that ranks the held-out items of ``split`` among ``candidates``, as a phrase."""
    return f"{split}, {candidates}, ties count against the positive"


@dataclass(frozen=True)
class LeaveOneOut:
    """Test rows: `users` int32[T], the held-out `items` int32[T], `negatives` int32[T, N].

    There is one row per user, or several where several interactions are held out.

    N is 99, or fewer for a small catalogue (see `split.leave_out`).

    The negatives of a benchmark are kept unchanged. In MovieLens-1M's, those of 156 users include the user's
    positive. Metrics rank the *set* of a row's candidates, as the benchmark's authors do, so they must drop
    the duplicate.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    negatives: NDArray[np.int32]
    split: str = LEAVE_ONE_OUT
    """How the items were chosen, as a phrase."""

    @property
    def protocol(self) -> str:
        """The evaluation protocol, as a phrase."""
        return protocol_of(self.negatives.shape[1], self.split)

    def __len__(self) -> int:
        return len(self.users)

    def at(self, rows: slice | NDArray[np.int64]) -> LeaveOneOut:
        """Some of the rows."""
        return replace(self, users=self.users[rows], items=self.items[rows], negatives=self.negatives[rows])

    @cached_property
    def content(self) -> str:
        """Hash of the arrays."""
        return content_hash(self.users, self.items, self.negatives)


__all__ = [
    "Catalogue",
    "Interactions",
    "LeaveOneOut",
    "catalogue_from",
    "compressed",
    "counts_of",
    "protocol_of",
    "ranked_among",
]
