"""Training epochs of models of users and items: lists of candidates with targets.

A row is one training positive, followed by items sampled for the same user. Targets are 1 and 0, or the
probabilities of a teacher; the fitting loop treats both alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.recommenders.data.interactions import Interactions
from hanji.training.recommenders.data.negatives import NegativeSampler


@dataclass(frozen=True)
class Samples:
    """``users`` int32 [n], ``items`` int32 [n, width], ``targets`` float32 [n, width]."""

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.users)

    def steps(self, batch_size: int) -> int:
        """Number of batches of ``batch_size`` samples; an incomplete last batch is dropped."""
        return len(self) // self._rows(batch_size)

    def batches(self, batch_size: int) -> Iterator[tuple[NDArray[Any], ...]]:
        """Users, items and targets of each batch."""
        rows = self._rows(batch_size)
        for step in range(self.steps(batch_size)):
            part = slice(step * rows, (step + 1) * rows)
            yield self.users[part], self.items[part], self.targets[part]

    def _rows(self, batch_size: int) -> int:
        return min(max(batch_size // int(self.items.shape[1]), 1), len(self))


SampleSource = Callable[[np.random.Generator], Samples]
"""Draws the candidate lists of one epoch, in training order."""


def positives_and_negatives(train: Interactions, *, items: int, negatives: int) -> SampleSource:
    """Each interaction once, in random order, with ``negatives`` items without an interaction of the user.

    Users with every item of the catalogue are left out: they prefer none of them to another.
    """
    sampler = NegativeSampler(train, items)
    rows = np.flatnonzero(sampler.have_free_items(train.users))

    def draw(rng: np.random.Generator) -> Samples:
        order = rows[rng.permutation(len(rows))]
        users = train.users[order]
        sampled = sampler.sample(np.repeat(users, negatives), rng).reshape(-1, negatives)
        candidates = np.concatenate([train.items[order, None], sampled], axis=1)
        targets = np.zeros(candidates.shape, np.float32)
        targets[:, 0] = 1.0
        return Samples(users, candidates, targets)

    return draw
