"""The one type that training takes: a catalogue, what to train on and what to be tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.training.data.catalogue import Catalogue
from hanji.training.data.interactions import Interactions
from hanji.training.data.quality import QualityReport

NEGATIVES = 99
"""Sampled negatives beside each held-out positive: a model ranks 100 candidates."""


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


@dataclass(frozen=True)
class Dataset:
    """Everything that training and evaluation need of the data."""

    name: str
    format: str
    """The format that was read, never "auto"."""

    synthetic: bool
    licence: str
    catalogue: Catalogue
    train: Interactions
    test: LeaveOneOut
    quality: QualityReport
    best_hr_at_10: float | None
    """The best HR@10 any model can expect on `test`; known for the synthetic catalogue only."""
