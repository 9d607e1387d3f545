"""The validation split, which is used for all model selection."""

from __future__ import annotations

from dataclasses import dataclass

from hanji.training.recommenders.data.dataset import Dataset
from hanji.training.recommenders.data.interactions import Interactions, LeaveOneOut
from hanji.training.recommenders.data.split import leave_one_out


@dataclass(frozen=True)
class TrainValidationSplit:
    """The training set without one validation item per user, and these items.

    All model selection uses ``validation``, never the test set.
    """

    train: Interactions
    validation: LeaveOneOut
    users: int
    items: int


def train_validation_split(dataset: Dataset, seed: int) -> TrainValidationSplit:
    """Hold out one validation item per user of the training set."""
    users, items = dataset.catalogue.users, dataset.catalogue.items
    split = leave_one_out(dataset.train, dataset.catalogue.user_ids, items, seed)
    return TrainValidationSplit(split.train, split.test, users, items)


__all__ = ["TrainValidationSplit", "train_validation_split"]
