"""Scores of a Keras recommender as numpy arrays, in batches that fit in memory."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.training.fitting.compilation import compiled
from hanji.training.recommenders.data import Dataset, Interactions
from hanji.training.recommenders.evaluation import (
    ByProtocol,
    evaluate_by_pairs,
    one_at_a_time,
)
from hanji.training.recommenders.history_samples import flat_histories
from hanji.training.recommenders.history_scoring import SequenceModel, history_scorer
from hanji.training.recommenders.tables import batches_of

BATCH = 1 << 18
MOST_SCORES = 200_000_000
"""Pairs of a user and an item that are scored for the metrics of the whole catalogue, at most: a model of
users and items computes its layers for each of them, about a million a second."""


class Scorer(Protocol):
    """Scores of a model that may still be in training: compiled once, it uses the current weights."""

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items."""

    def catalogue(self, user: int, items: int) -> NDArray[np.float32]:
        """float32 [items]: one user's scores over the whole catalogue."""

    def evaluate(self, dataset: Dataset) -> ByProtocol:
        """The test metrics on ``dataset`` under the protocols REPORTED."""


def scorer_of(model: keras.Model, train: Interactions, users: int) -> Scorer:
    """A scorer of ``model``; the input of a history model is each user's history in ``train``."""
    if isinstance(model, SequenceModel):
        return history_scorer(model, flat_histories(train, users))
    return KerasScorer(model)


def evaluate_model(model: keras.Model, dataset: Dataset) -> ByProtocol:
    """The test metrics of a Keras model under the protocols REPORTED.

    The input of a history model are the training interactions.
    """
    return scorer_of(model, dataset.train, dataset.catalogue.users).evaluate(dataset)


class KerasScorer:
    """Logits of a model of users and items."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        signature = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int32)]
        self._compiled = compiled(self._call, signature)

    def pairs(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 [n] for int32 [n] users and items."""
        parts = [
            self._compiled(tf.constant(users[rows]), tf.constant(items[rows])).numpy()
            for rows in batches_of(len(users), BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def catalogue(self, user: int, items: int) -> NDArray[np.float32]:
        """float32 [items]: one user's scores over the whole catalogue."""
        return self.pairs(np.full(items, user, np.int32), np.arange(items, dtype=np.int32))

    def evaluate(self, dataset: Dataset) -> ByProtocol:
        """The test metrics on ``dataset`` under the protocols REPORTED."""
        items = dataset.catalogue.items
        tables = one_at_a_time(lambda user: self.catalogue(user, items))
        return evaluate_by_pairs(self.pairs, tables, dataset, most_scores=MOST_SCORES)

    def _call(self, user: tf.Tensor, item: tf.Tensor) -> tf.Tensor:
        return self._model([user, item], training=False)[:, 0]
