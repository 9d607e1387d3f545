"""Scores of a Keras recommender as numpy arrays, in batches that fit in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.training.fitting.compilation import compiled
from hanji.training.recommenders.baselines.histories import Histories, Scores
from hanji.training.recommenders.data import Dataset, Interactions
from hanji.training.recommenders.evaluation import evaluate, evaluate_candidates, evaluate_catalogue
from hanji.training.recommenders.history_samples import FlatHistories, flat_histories
from hanji.training.recommenders.models.history import HistoryModel

BATCH = 1 << 18
USERS = 512


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
        by_candidates = evaluate_candidates(self.pairs, dataset.test)
        return by_candidates | evaluate_catalogue(lambda user: self.catalogue(user, items), dataset)

    def _call(self, user: tf.Tensor, item: tf.Tensor) -> tf.Tensor:
        return self._model([user, item], training=False)[:, 0]


class HistoryScorer:
    """Logits of a history model for the histories of known users."""

    def __init__(self, logits: _HistoryLogits, histories: FlatHistories) -> None:
        self._logits, self._histories = logits, histories

    def table(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [users, items]: the whole catalogue for each of these user indices."""
        starts = range(0, len(users), USERS)
        return np.concatenate([self._batch(users[start : start + USERS]) for start in starts])

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items."""
        scores_of_pairs = np.empty(len(users), np.float32)
        order = np.argsort(users, kind="stable")
        known, first = np.unique(users[order], return_index=True)
        bounds = np.append(first, len(users))
        for start in range(0, len(known), USERS):
            end = min(start + USERS, len(known))
            rows = order[bounds[start] : bounds[end]]
            scores = self._batch(known[start:end].astype(np.int64))
            scores_of_pairs[rows] = scores[np.searchsorted(known[start:end], users[rows]), items[rows]]
        return scores_of_pairs

    def catalogue(self, user: int, items: int) -> NDArray[np.float32]:
        """float32 [items]: one user's scores over the whole catalogue."""
        scores: NDArray[np.float32] = self.table(np.array([user]))[0]
        return scores

    def evaluate(self, dataset: Dataset) -> dict[str, float]:
        """All test metrics on ``dataset``, whose users must be those of the histories."""
        table = self.table(np.arange(dataset.catalogue.users))
        return evaluate(table.__getitem__, dataset)

    def _batch(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._logits(self._histories.pairs(users), len(users))


class _HistoryLogits:
    """The logits of a history model, compiled once because compilation takes seconds."""

    def __init__(self, model: HistoryModel) -> None:
        self._model = model
        signature = [tf.TensorSpec([None, 2], tf.int32), tf.TensorSpec([], tf.int32)]
        self._compiled = compiled(self._call, signature)

    def __call__(self, pairs: NDArray[np.int32], count: int) -> NDArray[np.float32]:
        """float32 [count, items] for pairs (user in the batch, item) int32 [n, 2], sorted by user."""
        logits: NDArray[np.float32] = self._compiled(tf.constant(pairs), tf.constant(count, tf.int32)).numpy()
        return logits

    def _call(self, pairs: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        return self._model.logits(pairs[:, 1], pairs[:, 0], count)
