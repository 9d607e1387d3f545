"""Scores of a history model as numpy arrays, in batches that fit in memory."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from hanji.training.fitting.compilation import compiled
from hanji.training.memory import rows_in_batch
from hanji.training.recommenders.baselines.histories import Histories, Scores, ScoresOf
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.evaluation import (
    ByProtocol,
    evaluate_by_pairs,
    evaluate_reported,
    most_scores_of,
)
from hanji.training.recommenders.history_samples import FlatHistories
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.models.sasrec import SasRec
from hanji.training.recommenders.tables import (
    LARGE_CATALOGUE,
    USERS,
    SubsetScorer,
    batches_of,
    pair_scorer,
)

SequenceModel = HistoryModel | SasRec
"""A model whose user vectors come from histories."""

_LARGEST_BATCH = 1 << 31  # bytes of the layers of a batch of histories
_PAIRS = 1 << 16  # scored at once


def history_scorer(model: SequenceModel, histories: FlatHistories) -> HistoryScorer:
    """A scorer for these histories; user indices are their positions."""
    kind = LargeHistoryScorer if model.items > LARGE_CATALOGUE else HistoryScorer
    return kind(_HistoryFunctions(model), histories)


def scores_of_histories(model: SequenceModel) -> ScoresOf:
    """The model as a function from histories [users, items] to scores, as reference models are."""

    functions = _HistoryFunctions(model)

    def scores(histories: Histories) -> Scores:
        return HistoryScorer(functions, _flat(histories)).table(np.arange(histories.shape[0]))

    return scores


def subset_scorer_of(model: HistoryModel, histories: Histories) -> SubsetScorer:
    """The scores of the users of ``histories`` at some items, with the current weights."""
    functions = _HistoryFunctions(model)
    table = model.table()
    users = LargeHistoryScorer(functions, _flat(histories)).vectors(np.arange(histories.shape[0]), table)
    return lambda rows, items: functions.products(users[rows], tf.gather(table, items)).numpy()


def _flat(histories: Histories) -> FlatHistories:
    return FlatHistories(histories.indices.astype(np.int32), histories.indptr.astype(np.int64))


class HistoryScorer:
    """Logits of a history model for the histories of known users."""

    def __init__(self, functions: _HistoryFunctions, histories: FlatHistories) -> None:
        self._functions, self._histories = functions, histories

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items."""
        return pair_scorer(self.table, self._functions.items)(users, items)

    def table(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [users, items]: the whole catalogue for each of these user indices."""
        batches = batches_of(len(users), self._functions.users_in_batch())
        return np.concatenate([self._batch(users[batch]) for batch in batches])

    def catalogue(self, user: int, items: int) -> NDArray[np.float32]:
        """float32 [items]: one user's scores over the whole catalogue."""
        scores: NDArray[np.float32] = self.table(np.array([user]))[0]
        return scores

    def evaluate(self, dataset: Dataset) -> ByProtocol:
        """The test metrics on ``dataset`` under the protocols REPORTED.

        The users of ``dataset`` must be those of the histories.
        """
        return evaluate_reported(self.table, dataset)

    def _batch(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._functions(self._histories.pairs(users), len(users))


class LargeHistoryScorer(HistoryScorer):
    """The same for a catalogue that is too large to score it for every user."""

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items, without the scores of other items."""
        table = self._functions.item_table()
        known, rows = np.unique(users, return_inverse=True)
        vectors = tf.constant(self.vectors(known.astype(np.int64), table))
        scores = np.empty(len(users), np.float32)
        for batch in batches_of(len(users), _PAIRS):
            scores[batch] = self._functions.of_pairs(
                vectors, table, tf.constant(rows[batch], tf.int32), tf.constant(items[batch], tf.int32)
            )
        return scores

    def vectors(self, users: NDArray[np.int64], table: tf.Tensor) -> NDArray[np.float32]:
        """User vectors float32 [users, embedding_size]; ``table`` is that of the model."""
        return np.concatenate(
            [
                self._functions.vectors(
                    tf.constant(self._histories.pairs(users[batch])),
                    tf.constant(len(users[batch]), tf.int32),
                    table,
                ).numpy()
                for batch in batches_of(len(users), USERS)
            ]
        )

    def evaluate(self, dataset: Dataset) -> ByProtocol:
        """The same, with metrics of the whole catalogue of a sample of the users."""
        most_scores = most_scores_of(dataset.catalogue.items)
        return evaluate_by_pairs(self.pairs, self.table, dataset, most_scores=most_scores)


class _HistoryFunctions:
    """The functions of a history model, each compiled at its first call because compilation takes seconds."""

    def __init__(self, model: SequenceModel) -> None:
        self._model = model
        self.items = model.items
        pairs, count = tf.TensorSpec([None, 2], tf.int32), tf.TensorSpec([], tf.int32)
        rows, indices = tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None], tf.int32)
        self._compiled = compiled(self._call, [pairs, count])
        self.item_table = compiled(lambda: model.table(), [])
        self.vectors = compiled(self._vectors, [pairs, count, rows])
        self.products = compiled(model.scores_of, [rows, rows])
        self.of_pairs = compiled(self._of_pairs, [rows, rows, indices, indices])

    def users_in_batch(self) -> int:
        """How many users are scored at once: fewer where the layers of a tower need much memory."""
        widths = 1 + 2 * sum(self._model.config.hidden_units)
        return rows_in_batch(4 * self.items * widths, most=USERS, largest=_LARGEST_BATCH)

    def __call__(self, pairs: NDArray[np.int32], count: int) -> NDArray[np.float32]:
        """float32 [count, items] for pairs (user in the batch, item) int32 [n, 2], sorted by user."""
        logits: NDArray[np.float32] = self._compiled(tf.constant(pairs), tf.constant(count, tf.int32)).numpy()
        return logits

    def _call(self, pairs: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        return self._model.logits(pairs[:, 1], pairs[:, 0], count)

    def _vectors(self, pairs: tf.Tensor, count: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
        return self._model.users_of(pairs[:, 1], pairs[:, 0], count, table)

    def _of_pairs(
        self, vectors: tf.Tensor, table: tf.Tensor, users: tf.Tensor, items: tf.Tensor
    ) -> tf.Tensor:
        return self._model.scores_of_pairs(tf.gather(vectors, users), tf.gather(table, items))


__all__ = [
    "HistoryScorer",
    "LargeHistoryScorer",
    "SequenceModel",
    "history_scorer",
    "scores_of_histories",
    "subset_scorer_of",
]
