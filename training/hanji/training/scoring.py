"""Scores of a Keras recommender as numpy arrays, in batches that fit in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.training.data import Interactions
from hanji.training.history_samples import FlatHistories, flat_histories
from hanji.training.models.history import HistoryModel
from hanji.training.reference.histories import Histories, Scores

BATCH = 1 << 18
USERS = 512


class Scorer(Protocol):
    """Scores of a model that may still be changing: it is compiled once and reads the weights anew."""

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items."""

    def catalogue(self, user: int, items: int) -> NDArray[np.float32]:
        """float32 [items]: one user's scores over the whole catalogue."""


def scorer_of(model: keras.Model, train: Interactions, users: int) -> Scorer:
    """How ``model`` is asked; a history model looks up in ``train`` what each of the ``users`` has met."""
    if isinstance(model, HistoryModel):
        return history_scorer(model, flat_histories(train, users))
    return KerasScorer(model)


def history_scorer(model: HistoryModel, histories: FlatHistories) -> HistoryScorer:
    """Scores for these histories; user indices count them from 0."""
    return HistoryScorer(_compiled(model), histories)


def scores_of_histories(model: HistoryModel) -> Callable[[Histories], Scores]:
    """The model as the reference models are: any histories [users, items] to scores of the same shape."""

    logits = _compiled(model)

    def scores(histories: Histories) -> Scores:
        flat = FlatHistories(histories.indices.astype(np.int32), histories.indptr.astype(np.int64))
        return HistoryScorer(logits, flat).table(np.arange(histories.shape[0]))

    return scores


class KerasScorer:
    """Logits of a model of users and items."""

    def __init__(self, model: keras.Model) -> None:
        self._call = tf.function(
            lambda user, item: model([user, item], training=False)[:, 0],
            input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int32)],
        )

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items."""
        parts = [
            self._call(
                tf.constant(users[start : start + BATCH]), tf.constant(items[start : start + BATCH])
            ).numpy()
            for start in range(0, len(users), BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def catalogue(self, user: int, items: int) -> NDArray[np.float32]:
        """float32 [items]: one user's scores over the whole catalogue."""
        return self.pairs(np.full(items, user, np.int32), np.arange(items, dtype=np.int32))


class HistoryScorer:
    """Logits of a history model for the histories of known users."""

    def __init__(self, logits: Callable[..., Any], histories: FlatHistories) -> None:
        self._call, self._histories = logits, histories

    def table(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 [users, items]: the whole catalogue for each of these user indices."""
        starts = range(0, len(users), USERS)
        return np.concatenate([self._batch(users[start : start + USERS]) for start in starts])

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items."""
        found = np.empty(len(users), np.float32)
        order = np.argsort(users, kind="stable")
        known, first = np.unique(users[order], return_index=True)
        bounds = np.append(first, len(users))
        for start in range(0, len(known), USERS):
            end = min(start + USERS, len(known))
            rows = order[bounds[start] : bounds[end]]
            scores = self._batch(known[start:end].astype(np.int64))
            found[rows] = scores[np.searchsorted(known[start:end], users[rows]), items[rows]]
        return found

    def catalogue(self, user: int, items: int) -> NDArray[np.float32]:
        """float32 [items]: one user's scores over the whole catalogue."""
        scores: NDArray[np.float32] = self.table(np.array([user]))[0]
        return scores

    def _batch(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        pairs = tf.constant(self._histories.pairs(users))
        scores: NDArray[np.float32] = self._call(pairs, tf.constant(len(users), tf.int32)).numpy()
        return scores


def _compiled(model: HistoryModel) -> Callable[..., Any]:
    """(pairs of place and item int32 [n, 2], how many places) → logits; compiling takes long, so once."""
    return tf.function(  # type: ignore[no-any-return]  # TensorFlow has no types
        lambda pairs, count: model.logits(pairs[:, 1], pairs[:, 0], count),
        input_signature=[tf.TensorSpec([None, 2], tf.int32), tf.TensorSpec([], tf.int32)],
    )
