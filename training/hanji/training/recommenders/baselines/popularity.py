"""Popularity: the same ranking for every user."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hanji.training.recommenders.baselines.histories import Histories, Scores


@dataclass(frozen=True)
class Popularity:
    """Ranks by the number of training interactions."""

    counts: Scores

    @classmethod
    def fit(cls, train: Histories) -> Popularity:
        """Count ``train`` [users, items]."""
        return cls(np.asarray(train.sum(axis=0), np.float32).ravel())

    def scores(self, histories: Histories) -> Scores:
        """The counts, once for each history."""
        return np.tile(self.counts, (histories.shape[0], 1))
