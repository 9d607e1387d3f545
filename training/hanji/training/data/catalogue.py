"""Who and what the model's indices stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hanji.training.data.interactions import Interactions
from hanji.training.data.raw import Ids, ItemText


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
