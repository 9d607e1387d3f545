"""Parts of a recommender's test set: by the popularity of items, and by the length of histories."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hanji.studies.slices import Slice
from hanji.training.recommenders.data import Dataset

FIFTH = 0.2


def ranking_slices(dataset: Dataset) -> list[Slice]:
    """Held-out items of the most popular fifth of the catalogue against the others; the fifth of the users
    with the shortest histories, the fifth with the longest, and those between. Empty parts are left out.
    """
    items, users = dataset.catalogue.items, dataset.catalogue.users
    popular = _top_fifth(np.bincount(dataset.train.items, minlength=items))[dataset.test.items]
    lengths = np.bincount(dataset.train.users, minlength=users)[dataset.test.users]
    heavy, light = _top_fifth(lengths), _top_fifth(-lengths)
    light &= ~heavy
    found = [
        Slice("items", "most popular fifth", popular),
        Slice("items", "all others", ~popular),
        Slice("users", "lightest fifth", light),
        Slice("users", "between", ~light & ~heavy),
        Slice("users", "heaviest fifth", heavy),
    ]
    return [part for part in found if part.chosen.any()]


def _top_fifth(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True for the fifth with the highest counts; of equal ones, those that come first."""
    order = np.argsort(-counts, kind="stable")
    chosen = np.zeros(len(counts), bool)
    chosen[order[: max(1, round(FIFTH * len(counts)))]] = True
    return chosen


__all__ = ["ranking_slices"]
