"""The items that a training step computes: those of its batch and a random sample.

A softmax over a large catalogue is estimated from some of its items, each divided by the probability that it
is among them (Horvitz and Thompson 1952; for softmaxes: Bengio and Senécal 2008, Jean et al. 2015, and with
the items of the batch: Yi et al. 2019).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.training.fitting.supervision import EpochSource
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data.interactions import Interactions
from hanji.training.recommenders.history_samples import HistoryEpoch, held_back_histories
from hanji.training.recommenders.models.padding import PADDING
from hanji.training.recommenders.sequence_samples import SequenceEpoch, Sequences, SequenceTeacher, next_items
from hanji.training.recommenders.tables import LARGE_CATALOGUE, SubsetScorer

Items = NDArray[np.int32]
Floats = NDArray[np.float64]

SAMPLED = 8_192
"""Items that a step samples of a large catalogue, if the recipe does not state a number."""

_LIKELIEST = 1.0 - 1e-9  # an item of all users is in every other batch but for rounding


def items_sampled(training: TrainingConfig, items: int) -> int | None:
    """How many items of a catalogue of ``items`` each step samples; None if it computes all of them."""
    count = training.sampled_items or (SAMPLED if items > LARGE_CATALOGUE else items)
    return count if count < items else None


@dataclass(frozen=True)
class ItemSampler:
    """Samples of different items, more often popular ones.

    ``sampled`` float64 [items]: the probability that an item is in a sample, in proportion to the square root
    of its number of users plus one: popular items matter more to a softmax, but the tail has to be learned as
    well. ``popular`` float64 [items]: the share of the histories, or of their pieces, that have the item.
    """

    sampled: Floats
    popular: Floats

    @classmethod
    def of(cls, counts: NDArray[np.int64], histories: int, size: int) -> ItemSampler:
        """Samples of ``size`` items; ``counts`` int64 [items] of the ``histories`` have each of them."""
        popular = np.minimum(counts / max(histories, 1), _LIKELIEST)
        return cls(_scaled(np.sqrt(counts + 1.0), size), popular)

    def draws(self, rng: np.random.Generator) -> Iterator[Items]:
        """Samples without end, each of different items, in a random order.

        Systematic sampling (Madow 1949), for which the probabilities hold exactly: a comb with teeth at a
        distance of 1, at a random position over the cumulative probabilities.
        """
        order = rng.permutation(len(self.sampled)).astype(np.int32)
        ends = np.cumsum(self.sampled[order])
        while True:
            teeth = np.arange(rng.random(), ends[-1], 1.0)
            yield order[np.unique(np.minimum(np.searchsorted(ends, teeth, side="right"), len(order) - 1))]

    def log_inclusion(self, items: Items, histories: float) -> NDArray[np.float32]:
        """The logarithm of the probability that an item is among those of a batch, float32 [items].

        It is in the sample, or in another one of the batch's ``histories``.
        """
        in_others = (histories - 1) * np.log1p(-self.popular[items])
        missing = np.exp(in_others) * (1.0 - self.sampled[items])
        return np.asarray(np.log1p(-missing), np.float32)


@dataclass(frozen=True)
class SampledEpoch:
    """A ``HistoryEpoch`` whose batches have the items that a step computes."""

    epoch: HistoryEpoch
    sampler: ItemSampler
    teacher: SubsetScorer | None

    def steps(self, batch_size: int) -> int:
        """See HistoryEpoch."""
        return self.epoch.steps(batch_size)

    def batches(self, batch_size: int) -> Iterator[tuple[Any, ...]]:
        """(kept, held) pairs int32 [n, 2] of a user and a position in ``items``, the number of users, with a
        teacher its scores float32 [users, items], ``items`` int32 [items] and their ``log_inclusion``.
        """
        draws = self.sampler.draws(self.epoch.rng)
        for users, kept, held in self.epoch.parts(batch_size):
            items = np.unique(np.concatenate([kept[:, 1], held[:, 1], next(draws)]))
            scores = () if self.teacher is None else (self.teacher(users, items),)
            yield (
                _at_positions(kept, items),
                _at_positions(held, items),
                np.int32(len(users)),
                *scores,
                items,
                self.sampler.log_inclusion(items, len(users)),
            )


@dataclass(frozen=True)
class SampledSequences:
    """A ``SequenceEpoch`` whose batches have the items that a step computes.

    ``sampler`` knows the share of the pieces that have an item, which have ``mean_length`` items on average.
    """

    epoch: SequenceEpoch
    sampler: ItemSampler
    mean_length: float

    def steps(self, batch_size: int) -> int:
        """See SequenceEpoch."""
        return self.epoch.steps(batch_size)

    def batches(self, batch_size: int) -> Iterator[tuple[Any, ...]]:
        """Sequences and targets with positions in ``items``, with a teacher its logits float32 [targets,
        items], ``items`` int32 [items] and their ``log_inclusion``."""
        draws = self.sampler.draws(self.epoch.rng)
        for sequences, targets in self.epoch.parts(batch_size):
            items = np.union1d(sequences[sequences != PADDING], next(draws))
            positions = np.searchsorted(items, sequences).astype(np.int32)
            given = np.where(sequences == PADDING, sequences, positions)
            at = targets.copy()
            at[:, 2] = np.searchsorted(items, targets[:, 2])
            teacher = self.epoch.teacher
            yield (
                given,
                at,
                *(() if teacher is None else (teacher(given, at, items),)),
                items,
                self.sampler.log_inclusion(items, 1.0 + self._others(sequences)),
            )

    def _others(self, sequences: Sequences) -> float:
        """The other pieces of a batch, in pieces of mean length: all of a batch are about equally long."""
        items = np.count_nonzero(sequences != PADDING)
        return items / self.mean_length * (1.0 - 1.0 / len(sequences))


def sampled_next_items(
    train: Interactions,
    users: int,
    items: int,
    size: int,
    *,
    longest: int,
    teacher: SequenceTeacher | None = None,
) -> EpochSource:
    """``next_items`` for a catalogue of ``items``, of which each step samples ``size``."""
    draw = next_items(train, users, longest=longest, teacher=teacher)
    counts = np.bincount(train.items, minlength=items)

    def sampled(rng: np.random.Generator) -> SampledSequences:
        epoch = draw(rng)
        pieces = len(epoch.pieces)
        return SampledSequences(epoch, ItemSampler.of(counts, pieces, size), len(train) / pieces)

    return sampled


def sampled_histories(
    train: Interactions,
    users: int,
    items: int,
    size: int,
    *,
    held_back: float,
    teacher: SubsetScorer | None = None,
) -> EpochSource:
    """``held_back_histories`` for a catalogue of ``items``, of which each step samples ``size``."""
    draw = held_back_histories(train, users, held_back=held_back)
    sampler = ItemSampler.of(np.bincount(train.items, minlength=items), users, size)
    return lambda rng: SampledEpoch(draw(rng), sampler, teacher)


def _at_positions(pairs: Items, items: Items) -> Items:
    """``pairs`` (user, item) with the item's position in ``items``, which are sorted."""
    return np.stack([pairs[:, 0], np.searchsorted(items, pairs[:, 1]).astype(np.int32)], axis=1)


def _scaled(weights: Floats, total: int) -> Floats:
    """``weights`` times a factor, but at most 1, so that they sum up to ``total``."""
    found = np.zeros_like(weights)
    free = np.ones(len(weights), bool)
    while True:
        share = (total - np.count_nonzero(~free)) / weights[free].sum()
        found[free] = weights[free] * share
        above = free & (found > 1.0)
        if not above.any():
            return found
        found[above] = 1.0
        free &= ~above


__all__ = [
    "SAMPLED",
    "ItemSampler",
    "SampledEpoch",
    "SampledSequences",
    "items_sampled",
    "sampled_histories",
    "sampled_next_items",
]
