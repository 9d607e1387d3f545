"""Parts of the test in which a small model may lose more than on the whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.training.data import Dataset
from hanji.training.images.data import ImageDataset

FIFTH = 0.2


@dataclass(frozen=True)
class Slice:
    """Some samples of the test: ``chosen`` bool [n]."""

    group: str
    name: str
    chosen: NDArray[np.bool_]


def slices_of(dataset: Dataset | ImageDataset) -> list[Slice]:
    """Class by class for pictures; by items and by users for rankings. Parts without samples are left out."""
    found = _of_pictures(dataset) if isinstance(dataset, ImageDataset) else _of_rankings(dataset)
    return [part for part in found if part.chosen.any()]


def _of_pictures(dataset: ImageDataset) -> list[Slice]:
    labels = dataset.test.labels
    return [Slice("classes", name, labels == index) for index, name in enumerate(dataset.labels)]


def _of_rankings(dataset: Dataset) -> list[Slice]:
    """Held-out items of the most popular fifth of the catalogue against the others; the fifth of the users
    with the shortest histories, the fifth with the longest, and those between.
    """
    items, users = dataset.catalogue.items, dataset.catalogue.users
    popular = _among_the_most(np.bincount(dataset.train.items, minlength=items))[dataset.test.items]
    lengths = np.bincount(dataset.train.users, minlength=users)[dataset.test.users]
    heavy, light = _among_the_most(lengths), _among_the_most(-lengths)
    light &= ~heavy
    return [
        Slice("items", "most popular fifth", popular),
        Slice("items", "all others", ~popular),
        Slice("users", "lightest fifth", light),
        Slice("users", "between", ~light & ~heavy),
        Slice("users", "heaviest fifth", heavy),
    ]


def _among_the_most(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True for the fifth with the highest counts; of equals those that stand first."""
    order = np.argsort(-counts, kind="stable")
    chosen = np.zeros(len(counts), bool)
    chosen[order[: max(1, round(FIFTH * len(counts)))]] = True
    return chosen


__all__ = ["Slice", "slices_of"]
