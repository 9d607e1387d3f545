"""Neighbourhood models: item-based and user-based collaborative filtering."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from hanji.training.memory import rows_in_batch
from hanji.training.recommenders.baselines.histories import Histories, Scores
from hanji.training.recommenders.tables import batches_of

_ENTRY_BYTES = 32  # of a common count: value, index and the temporary copies of both


@dataclass(frozen=True)
class ItemNeighbours:
    """``similarity`` [items, items]: cosine with shrinkage for few common users, nearest neighbours only."""

    similarity: sparse.csr_matrix

    @classmethod
    def fit(cls, train: Histories, *, neighbours: int = 100, shrinkage: float = 20.0) -> ItemNeighbours:
        """Fit as in Sarwar et al. (2001), with the shrinkage of Bell and Koren (2007)."""
        by_item = sparse.csr_matrix(train.T)
        norms = _norms(by_item)
        parts = []
        for rows in batches_of(by_item.shape[0], rows_in_batch(_ENTRY_BYTES * by_item.shape[0])):
            common_users = by_item[rows] @ train
            own = _row_of_entries(common_users) + rows.start
            similarity = common_users.data / (
                norms[own] * norms[common_users.indices] + np.float32(shrinkage)
            )
            common_users.data = np.where(own == common_users.indices, np.float32(0.0), similarity)
            parts.append(_nearest(common_users, neighbours))
        return cls(sparse.csr_matrix(sparse.vstack(parts)))

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
        batches = batches_of(histories.shape[0], rows_in_batch(_ENTRY_BYTES * self.train.shape[0]))
        return np.concatenate([self._batch(histories[rows]) for rows in batches])

    @cached_property
    def _by_item(self) -> Histories:
        return sparse.csr_matrix(self.train.T)

    def _batch(self, histories: Histories) -> Scores:
        similarity = histories @ self._by_item
        own, other = _norms(histories)[_row_of_entries(similarity)], self.norms[similarity.indices]
        similarity.data /= np.maximum(own * other, np.float32(1.0))
        return np.asarray((_nearest(similarity, self.neighbours) @ self.train).toarray(), np.float32)


def _norms(histories: Histories) -> Scores:
    return np.sqrt(np.asarray(histories.sum(axis=1), np.float32)).ravel()


def _row_of_entries(table: sparse.csr_matrix) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))


def _nearest(similarity: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """Each row's ``count`` largest values and those equal to the smallest of them; removes the others."""
    for start, end in zip(similarity.indptr[:-1], similarity.indptr[1:], strict=True):
        values = similarity.data[start:end]
        if len(values) > count:
            values[values < np.partition(values, -count)[-count]] = 0.0
    similarity.eliminate_zeros()
    similarity.sort_indices()
    return similarity
