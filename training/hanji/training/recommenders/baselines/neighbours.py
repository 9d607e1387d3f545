"""Neighbourhood models: item-based and user-based collaborative filtering."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from hanji.training.recommenders.baselines.histories import Histories, Scores

BATCH = 512


@dataclass(frozen=True)
class ItemNeighbours:
    """``similarity`` [items, items]: cosine with shrinkage for few common users, nearest neighbours only."""

    similarity: sparse.csr_matrix

    @classmethod
    def fit(cls, train: Histories, *, neighbours: int = 100, shrinkage: float = 20.0) -> ItemNeighbours:
        """Fit as in Sarwar et al. (2001), with the shrinkage of Bell and Koren (2007)."""
        common_users = (train.T @ train).toarray()
        norms = np.sqrt(np.diag(common_users))
        similarity = common_users / (np.outer(norms, norms) + shrinkage)
        np.fill_diagonal(similarity, 0.0)
        return cls(sparse.csr_matrix(_nearest(similarity, neighbours)))

    def scores(self, histories: Histories) -> Scores:
        """Summed similarity to the items of the history."""
        return np.asarray((histories @ self.similarity).toarray(), np.float32)


@dataclass(frozen=True)
class UserNeighbours:
    """The training histories and their norms."""

    train: Histories
    norms: Scores
    neighbours: int

    @classmethod
    def fit(cls, train: Histories, *, neighbours: int = 100) -> UserNeighbours:
        """Store ``train``; similarities are computed at scoring time (Herlocker et al. 1999)."""
        return cls(train, _norms(train), neighbours)

    def scores(self, histories: Histories) -> Scores:
        """The histories of the most similar users, summed with their similarities as weights."""
        starts = range(0, histories.shape[0], BATCH)
        return np.concatenate([self._batch(histories[start : start + BATCH]) for start in starts])

    def _batch(self, histories: Histories) -> Scores:
        common_items = (histories @ self.train.T).toarray()
        similarity = common_items / np.maximum(np.outer(_norms(histories), self.norms), 1.0)
        nearest = sparse.csr_matrix(_nearest(similarity, self.neighbours))
        return np.asarray((nearest @ self.train).toarray(), np.float32)


def _norms(histories: Histories) -> Scores:
    return np.sqrt(np.asarray(histories.sum(axis=1), np.float32)).ravel()


def _nearest(similarity: Scores, count: int) -> Scores:
    """Each row's ``count`` largest values; the others become zero."""
    if count >= similarity.shape[1]:
        return similarity
    threshold = np.partition(similarity, -count, axis=1)[:, -count, None]
    return np.where(similarity >= threshold, similarity, 0.0)
