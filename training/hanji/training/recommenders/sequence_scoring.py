"""Logits of sequence models at positions of histories, as numpy arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from hanji.training.fitting.compilation import compiled
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.evaluation import (
    ByProtocol,
    evaluate_by_pairs,
    most_scores_of,
)
from hanji.training.recommenders.history_scoring import HistoryScorer, SequenceModel
from hanji.training.recommenders.sequence_samples import Sequences, SequenceTeacher, Targets

Tensor = Any


def weighted_logits(models: Sequence[SequenceModel], weights: Sequence[float]) -> SequenceTeacher:
    """The weighted sum of the logits of ``models``, with their current weights: as a distribution, the
    weighted geometric mean of theirs."""

    def everywhere(sequences: Tensor, targets: Tensor) -> Tensor:
        return _sum(models, weights, sequences, targets, None)

    def sampled(sequences: Tensor, targets: Tensor, items: Tensor) -> Tensor:
        return _sum(models, weights, sequences, targets, items)

    batch = [tf.TensorSpec(shape, tf.int32) for shape in ([None, None], [None, 3])]
    of_all, of_some = (
        compiled(everywhere, batch),
        compiled(sampled, [*batch, tf.TensorSpec([None], tf.int32)]),
    )

    def logits(
        sequences: Sequences, targets: Targets, items: NDArray[np.int32] | None
    ) -> NDArray[np.float32]:
        given = tf.constant(sequences), tf.constant(targets)
        found = of_all(*given) if items is None else of_some(*given, tf.constant(items))
        result: NDArray[np.float32] = found.numpy()
        return result

    return logits


def _total(terms: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    return reduce(np.add, terms)


def _sum(
    models: Sequence[SequenceModel],
    weights: Sequence[float],
    sequences: Tensor,
    targets: Tensor,
    items: Tensor,
) -> Tensor:
    tables = [model.table(items) for model in models]
    return tf.add_n(
        [
            weight * model.scores_of(tf.gather_nd(model.states(sequences, table), targets[:, :2]), table)
            for model, table, weight in zip(models, tables, weights, strict=True)
        ]
    )


class WeightedScorer:
    """The weighted sum of the scores of several models for the histories of known users."""

    def __init__(self, scorers: Sequence[HistoryScorer], weights: Sequence[float]) -> None:
        self._members = tuple(zip(scorers, map(np.float32, weights), strict=True))

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items."""
        return _total(weight * member.pairs(users, items) for member, weight in self._members)

    def table(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [users, items]: the whole catalogue for each of these user indices."""
        return _total(weight * member.table(users) for member, weight in self._members)

    def evaluate(self, dataset: Dataset) -> ByProtocol:
        """The test metrics on ``dataset`` under the protocols REPORTED, as those of the members."""
        most_scores = most_scores_of(dataset.catalogue.items)
        return evaluate_by_pairs(self.pairs, self.table, dataset, most_scores=most_scores)


__all__ = ["WeightedScorer", "weighted_logits"]
