"""Scores of a Keras recommender as numpy arrays, in batches that fit in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.training.fitting.compilation import compiled
from hanji.training.memory import rows_in_batch
from hanji.training.recommenders.baselines.histories import Histories, Scores
from hanji.training.recommenders.data import Dataset, Interactions
from hanji.training.recommenders.evaluation import (
    evaluate,
    evaluate_candidates,
    evaluate_catalogue,
    one_at_a_time,
)
from hanji.training.recommenders.history_samples import FlatHistories, flat_histories
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.tables import USERS, batches_of, pair_scorer

BATCH = 1 << 18
MOST_SCORES = 200_000_000
"""Pairs of a user and an item that are scored for the metrics of the whole catalogue, at most: a model of
users and items computes its layers for each of them, about a million a second."""

_LARGEST_BATCH = 1 << 31  # bytes of the layers of a batch of histories


class Scorer(Protocol):
    """Scores of a model that may still be in training: compiled once, it uses the current weights."""

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items."""

    def catalogue(self, user: int, items: int) -> NDArray[np.float32]:
        """float32 [items]: one user's scores over the whole catalogue."""

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        """All test metrics on ``dataset``."""


def scorer_of(model: keras.Model, train: Interactions, users: int) -> Scorer:
    """A scorer of ``model``; the input of a history model is each user's history in ``train``."""
    if isinstance(model, HistoryModel):
        return history_scorer(model, flat_histories(train, users))
    return KerasScorer(model)


def history_scorer(model: HistoryModel, histories: FlatHistories) -> HistoryScorer:
    """A scorer for these histories; user indices are their positions."""
    return HistoryScorer(_HistoryLogits(model), histories)


def evaluate_model(model: keras.Model, dataset: Dataset) -> dict[str, float]:
    """All test metrics of a Keras model; of a history model, with the training interactions as histories."""
    return scorer_of(model, dataset.train, dataset.catalogue.users).evaluate(dataset)


def scores_of_histories(model: HistoryModel) -> Callable[[Histories], Scores]:
    """The model as a function from histories [users, items] to scores, as reference models are."""

    logits = _HistoryLogits(model)

    def scores(histories: Histories) -> Scores:
        flat = FlatHistories(histories.indices.astype(np.int32), histories.indptr.astype(np.int64))
        return HistoryScorer(logits, flat).table(np.arange(histories.shape[0]))

    return scores


class KerasScorer:
    """Logits of a model of users and items."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        signature = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int32)]
        self._compiled = compiled(self._call, signature)

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items."""
        parts = [
            self._compiled(
                tf.constant(users[start : start + BATCH]), tf.constant(items[start : start + BATCH])
            ).numpy()
            for start in range(0, len(users), BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def catalogue(self, user: int, items: int) -> NDArray[np.float32]:
        """float32 [items]: one user's scores over the whole catalogue."""
        return self.pairs(np.full(items, user, np.int32), np.arange(items, dtype=np.int32))

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        """All test metrics on ``dataset``."""
        items = dataset.catalogue.items
        tables = one_at_a_time(lambda user: self.catalogue(user, items))
        by_candidates = evaluate_candidates(self.pairs, dataset.test)
        return by_candidates | evaluate_catalogue(tables, dataset, most_scores=MOST_SCORES)

    def _call(self, user: tf.Tensor, item: tf.Tensor) -> tf.Tensor:
        return self._model([user, item], training=False)[:, 0]


class HistoryScorer:
    """Logits of a history model for the histories of known users."""

    def __init__(self, logits: _HistoryLogits, histories: FlatHistories) -> None:
        self._logits, self._histories = logits, histories
        self.pairs = pair_scorer(self.table, logits.items)

    def table(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [users, items]: the whole catalogue for each of these user indices."""
        batches = batches_of(len(users), self._logits.users_in_batch())
        return np.concatenate([self._batch(users[batch]) for batch in batches])

    def catalogue(self, user: int, items: int) -> NDArray[np.float32]:
        """float32 [items]: one user's scores over the whole catalogue."""
        scores: NDArray[np.float32] = self.table(np.array([user]))[0]
        return scores

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        """All test metrics on ``dataset``, whose users must be those of the histories."""
        return evaluate(self.table, dataset)

    def _batch(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._logits(self._histories.pairs(users), len(users))


class _HistoryLogits:
    """The logits of a history model, compiled once because compilation takes seconds."""

    def __init__(self, model: HistoryModel) -> None:
        self._model = model
        signature = [tf.TensorSpec([None, 2], tf.int32), tf.TensorSpec([], tf.int32)]
        self._compiled = compiled(self._call, signature)
        self.items = model.items

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
