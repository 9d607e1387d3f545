"""Training epochs of models that know order: pieces of histories, and in each the items to predict.

Every position of a history is a sample: the items before it are given, its own item is the target. A step
takes pieces of as many users, computes the user vectors after all positions at once, and the logits at a
sample of them, because those take most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.recommenders.data.interactions import Interactions
from hanji.training.recommenders.history_samples import FlatHistories, flat_histories
from hanji.training.recommenders.models.padding import PADDING

Sequences = NDArray[np.int32]
"""int32 [B, T]: items of B histories, oldest first, and PADDING at the end."""

Targets = NDArray[np.int32]
"""int32 [P, 3]: sequence, position of the last item that is given, and the item that follows."""

SequenceTeacher = Callable[[Sequences, Targets, NDArray[np.int32] | None], NDArray[np.float32]]
"""A teacher's logits at the positions of the targets, float32 [P, n]: of all items or, if the third argument
is int32 [n], of these; sequences and targets then have positions in it."""

MOST_TARGETS = 32
"""Targets of a piece, on average over those of a batch, at most."""

_SORTED_BATCHES = 8  # whose sequences are sorted by length, so that there is little padding


@dataclass(frozen=True)
class SequenceEpoch:
    """One pass over the pieces of all histories.

    ``pieces`` int64 [n, 3]: where a piece begins and ends among the items of ``histories``, and its first
    target.
    """

    histories: FlatHistories
    pieces: NDArray[np.int64]
    rng: np.random.Generator
    teacher: SequenceTeacher | None = None

    def steps(self, batch_size: int) -> int:
        """Number of batches of ``batch_size`` pieces."""
        return -(-len(self.pieces) // batch_size)

    def batches(self, batch_size: int) -> Iterator[tuple[Any, ...]]:
        """Sequences, targets and, with a teacher, its logits."""
        for batch in self.parts(batch_size):
            yield batch if self.teacher is None else (*batch, self.teacher(*batch, None))

    def parts(self, batch_size: int) -> Iterator[tuple[Sequences, Targets]]:
        """The sequences and the targets of each batch."""
        for pieces in self._grouped(batch_size):
            yield self._batch(pieces)

    def _grouped(self, count: int) -> list[NDArray[np.int64]]:
        """The pieces of each batch: ``count`` of similar lengths, in random order."""
        order = self.rng.permutation(len(self.pieces))
        lengths = self.pieces[:, 1] - self.pieces[:, 0]
        batches: list[NDArray[np.int64]] = []
        for start in range(0, len(order), count * _SORTED_BATCHES):
            rows = order[start : start + count * _SORTED_BATCHES]
            rows = rows[np.argsort(lengths[rows], kind="stable")]
            batches += [self.pieces[rows[first : first + count]] for first in range(0, len(rows), count)]
        return [batches[index] for index in self.rng.permutation(len(batches))]

    def _batch(self, pieces: NDArray[np.int64]) -> tuple[Sequences, Targets]:
        """The sequences of some pieces, and a random sample of their targets."""
        most = len(pieces) * MOST_TARGETS
        begin, end, first = pieces.T
        positions = begin[:, None] + np.arange((end - begin).max())
        inside = positions < end[:, None]
        items = self.histories.items[np.where(inside, positions, 0)]
        targets = np.argwhere(inside & (positions >= first[:, None]))
        if len(targets) > most:
            targets = targets[np.sort(self.rng.choice(len(targets), most, replace=False))]
        following = items[targets[:, 0], targets[:, 1]]
        given = np.column_stack([targets[:, 0], targets[:, 1] - 1, following])
        return np.where(inside, items, PADDING).astype(np.int32), given.astype(np.int32)


SequenceSource = Callable[[np.random.Generator], SequenceEpoch]
"""Draws the pieces of one epoch."""


def next_items(
    train: Interactions, users: int, *, longest: int, teacher: SequenceTeacher | None = None
) -> SequenceSource:
    """Every item of every history but the first as a target, once per epoch, after up to ``longest`` items.

    Each epoch cuts long histories at other places. A piece begins with the items before its first target, as
    many as fit, so that nearly all targets have the context that a device gives them, and some little, as new
    users have. DataError if no history has two items.
    """
    histories = flat_histories(train, users)
    if np.diff(histories.bounds).max(initial=0) < 2:
        raise DataError(
            "expected users with at least two training interactions, to learn what follows what, found none; "
            "collect more interactions of each user, or use a model that does not know their order, such as "
            'one with history_pooling = "sum"'
        )

    def draw(rng: np.random.Generator) -> SequenceEpoch:
        return SequenceEpoch(histories, _pieces(histories.bounds, longest + 1, rng), rng, teacher)

    return draw


def _pieces(bounds: NDArray[np.int64], longest: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The pieces of an epoch, of up to ``longest`` items with the last target; see SequenceEpoch."""
    lengths = np.diff(bounds)
    # The first cut of a history that is too long is random, the others follow at a distance.
    cut = np.where(lengths > longest, rng.integers(1, longest + 1, len(lengths)), lengths)
    counts = 1 + -(-(lengths - cut) // longest)
    user = np.repeat(np.arange(len(lengths)), counts)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    end = np.minimum(cut[user] + number * longest, lengths[user])
    previous = np.where(number > 0, cut[user] + (number - 1) * longest, 0)
    begin = np.maximum(end - longest, 0)
    first = np.maximum(previous, begin + 1)
    pieces: NDArray[np.int64] = np.column_stack([begin, end, first]) + bounds[user][:, None]
    used: NDArray[np.int64] = pieces[first < end]
    return used


__all__ = [
    "MOST_TARGETS",
    "SequenceEpoch",
    "SequenceSource",
    "SequenceTeacher",
    "Sequences",
    "Targets",
    "next_items",
]
