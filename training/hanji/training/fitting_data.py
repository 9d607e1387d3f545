"""What fitting may look at: the training set less the interactions that choose."""

from __future__ import annotations

from dataclasses import dataclass

from hanji.training.data import Dataset, Interactions, LeaveOneOut
from hanji.training.data.split import leave_one_out


@dataclass(frozen=True)
class FittingData:
    """The training set less one validation item a user."""

    train: Interactions
    validation: LeaveOneOut
    users: int
    items: int


def fitting_data(dataset: Dataset, seed: int) -> FittingData:
    """Hold the validation items out; the test set plays no part."""
    users, items = dataset.catalogue.users, dataset.catalogue.items
    split = leave_one_out(dataset.train, dataset.catalogue.user_ids, items, seed)
    return FittingData(split.train, split.test, users, items)
