"""Slices of a recommender's test set: by item popularity and by history length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hanji.studies.slices import Slice
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.data.user_groups import user_groups
from hanji.training.recommenders.evaluation import evaluated_rows

FIFTH = 0.2


def ranking_slices(dataset: Dataset) -> list[Slice]:
    """Held-out items among the 20 % most popular, and the long tail; users with the 20 % shortest and the
    20 % longest histories, and those in between; and users by their attributes, if the data has any. Empty
    slices are omitted.
    """
    test = evaluated_rows(dataset)
    items, users = dataset.catalogue.warm_items, dataset.catalogue.users
    popular = _top_fifth(np.bincount(dataset.train.items, minlength=items))[test.items]
    lengths = np.bincount(dataset.train.users, minlength=users)[test.users]
    heavy, light = _top_fifth(lengths), _top_fifth(-lengths)
    light &= ~heavy
    slices = [
        Slice("items", "20 % most popular", popular),
        Slice("items", "long tail", ~popular),
        Slice("users", "20 % shortest histories", light),
        Slice("users", "middle 60 %", ~light & ~heavy),
        Slice("users", "20 % longest histories", heavy),
    ]
    slices += [
        Slice(group.attribute, group.value, group.mask)
        for group in user_groups(dataset.user_attributes, test.users)
    ]
    return [part for part in slices if part.mask.any()]


def _top_fifth(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True for the fifth with the highest counts; ties are broken by index."""
    order = np.argsort(-counts, kind="stable")
    mask = np.zeros(len(counts), bool)
    mask[order[: max(1, round(FIFTH * len(counts)))]] = True
    return mask


__all__ = ["ranking_slices"]
