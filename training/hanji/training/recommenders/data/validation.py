"""The validation split, which is used for all model selection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hanji.training.content import content_hash
from hanji.training.recommenders.data.dataset import Dataset
from hanji.training.recommenders.data.interactions import Interactions, LeaveOneOut
from hanji.training.recommenders.data.split import VALIDATION, leave_out


@dataclass(frozen=True)
class TrainValidationSplit:
    """The training set without one validation item per user, and these items.

    All model selection uses ``validation``, never the test set. ``items`` are those of the catalogue without
    cold ones.
    """

    train: Interactions
    validation: LeaveOneOut
    users: int
    items: int

    @cached_property
    def content(self) -> str:
        """Hash of what a fit depends on: the training and the validation interactions."""
        return content_hash(self.train.content, self.validation.content)


def train_validation_split(dataset: Dataset, seed: int) -> TrainValidationSplit:
    """Hold out one validation item per user of the training set.

    DataError if no user can spare one.
    """
    users, items = dataset.catalogue.users, dataset.catalogue.warm_items
    split = leave_out(dataset.train, dataset.catalogue.user_ids, items, seed, VALIDATION)
    return TrainValidationSplit(split.train, split.test, users, items)


__all__ = ["TrainValidationSplit", "train_validation_split"]
