"""Items of the items file that nobody interacted with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hanji.training.errors import DataError
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.raw import CANONICAL_INTEGER, Ids, ItemText


@dataclass(frozen=True)
class ColdItems:
    """The ids that extend the catalogue, in ascending order, and the number of items that do not."""

    ids: Ids
    left_out: int
    notes: tuple[str, ...] = ()


def cold_items_of(texts: Mapping[str, ItemText], item_ids: Ids, config: DataConfig) -> ColdItems:
    """The items of ``texts`` that are not among ``item_ids``: all left out without ``cold_items``.

    Of a catalogue of integer ids, those with another id are left out and noted. DataError if they are wanted
    and no item with interactions has a genre or title, from which embeddings could be predicted.
    """
    known = {str(item) for item in item_ids.tolist()}
    found = sorted(texts.keys() - known)
    none = item_ids[:0]
    if not (config.cold_items and found):
        return ColdItems(none, len(found))
    if not any(texts[item].genres or texts[item].title for item in known & texts.keys()):
        raise DataError(
            f"{config.name}: cold_items: expected titles or genres of items with interactions, to predict "
            f"the embeddings of the {len(found):,} items without any, found none; check that the ids of the "
            "items file are those of the interactions, or remove cold_items"
        )
    if item_ids.dtype == object:
        return ColdItems(np.array(found, object), 0)
    integers = [int(item) for item in found if CANONICAL_INTEGER.fullmatch(item)]
    others = len(found) - len(integers)
    note = f"items without interactions whose id is no integer like all others, left out: {others:,}"
    return ColdItems(np.array(sorted(integers), item_ids.dtype), others, (note,) if others else ())


__all__ = ["ColdItems", "cold_items_of"]
