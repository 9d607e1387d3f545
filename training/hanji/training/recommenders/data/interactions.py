"""Interactions as indices, the catalogue that the indices refer to, and the test rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.training.recommenders.data.raw import Ids, ItemText


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


@dataclass(frozen=True)
class Catalogue:
    """Own ids, titles and popularity, in the order of the model's indices.

    Ids are integers if every id in the data is a canonical integer ("7", not "007"), else text.
    """

    user_ids: tuple[str, ...] | tuple[int, ...]
    item_ids: tuple[str, ...] | tuple[int, ...]
    titles: tuple[str, ...]
    """One per item; the id as text where no title is known."""

    genres: tuple[tuple[str, ...], ...]
    """One tuple per item, empty where unknown."""

    popularity: tuple[int, ...]
    """Training interactions per item; 0 for an item that only the test candidates hold."""

    @property
    def users(self) -> int:
        """Number of users."""
        return len(self.user_ids)

    @property
    def items(self) -> int:
        """Number of items."""
        return len(self.item_ids)


def catalogue_from(
    user_ids: Ids, item_ids: Ids, texts: Mapping[str, ItemText], train: Interactions
) -> Catalogue:
    """The catalogue of these ids, with titles where known and popularity counted in `train`."""
    items = item_ids.tolist()
    known = [texts.get(str(item)) or ItemText(str(item), ()) for item in items]
    return Catalogue(
        user_ids=tuple(user_ids.tolist()),
        item_ids=tuple(items),
        titles=tuple(text.title or str(item) for text, item in zip(known, items, strict=True)),
        genres=tuple(text.genres for text in known),
        popularity=tuple(np.bincount(train.items, minlength=len(items)).tolist()),
    )


@dataclass(frozen=True)
class LeaveOneOut:
    """One test row a user: `users` int32[T], the held-out `items` int32[T], `negatives` int32[T, 99].

    Negatives given by a benchmark are kept as they are. In MovieLens-1M's, 156 users have their own
    positive among them: a metric ranks the *set* of a row's candidates, as the benchmark's authors do, so
    it must drop the repeat.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    negatives: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.users)


__all__ = ["Catalogue", "Interactions", "LeaveOneOut", "catalogue_from"]
