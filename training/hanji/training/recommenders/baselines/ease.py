"""EASE: a linear item-to-item model in closed form (Steck 2019).

B minimizes ‖X − XB‖² + λ‖B‖² under diag(B) = 0, so an item never recommends itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from hanji.training.memory import available_memory, in_gigabytes, rows_in_batch
from hanji.training.progress import logger, progress
from hanji.training.recommenders.baselines.histories import Histories, Scores
from hanji.training.recommenders.tables import batches_of

MOST_ITEMS = 20_000
"""Items in the dense model, at most: its time grows with their third power, and the items after the 20,000
most popular ones have too few interactions to learn a row of weights from."""

_SHARE = 2  # EASE may take this fraction of the memory
_MOST_DOUBLE = 10**9  # bytes of a table in double precision
_ENTRY_BYTES = 16  # of an entry of the table while it is computed


@dataclass(frozen=True)
class Ease:
    """``weights`` float32 [n, n]: how much each item of a history adds to the score of each other item.

    ``items`` int64 [n] are the items that have weights, in ascending order: all, or the most popular ones.
    """

    weights: Scores
    items: NDArray[np.int64]

    @classmethod
    def fit(cls, train: Histories, *, regularization: float = 500.0) -> Ease:
        """Solve for ``train`` [users, items] in closed form.

        Needs 12 bytes for each pair of items, at most a gigabyte; beyond it, or where memory is short, single
        precision takes 4 and half of the time.
        Only the most popular items get weights if there are more than MOST_ITEMS or than fit into half of the
        available memory; this is logged.
        """
        room = available_memory() // _SHARE
        count = max(min(train.shape[1], MOST_ITEMS, int(np.sqrt(room / 4))), 1)
        if count < train.shape[1]:
            logger.info(
                f"EASE: weights for the {count:,} most popular of {train.shape[1]:,} items; the dense matrix "
                f"of all would need {in_gigabytes(4 * train.shape[1] ** 2)} and their third power of time"
            )
        popular = np.argsort(-np.asarray(train.sum(axis=0)).ravel(), kind="stable")[:count]
        items = np.sort(popular).astype(np.int64)
        dtype = np.float64 if 12 * count**2 <= min(room, _MOST_DOUBLE) else np.float32
        with progress("EASE") as task:
            task.expect(2)
            table = _gram(train if count == train.shape[1] else train[:, items], dtype)
            task.advance()
            weights = _weights(table, regularization)
            task.advance()
        return cls(weights, items)

    def scores(self, histories: Histories) -> Scores:
        """The summed weights of the items of the history; 0 for items without weights."""
        if len(self.items) == histories.shape[1]:
            return np.asarray(histories @ self.weights, np.float32)
        scores = np.zeros(histories.shape, np.float32)
        scores[:, self.items] = histories[:, self.items] @ self.weights
        return scores


def _gram(train: Histories, dtype: type[np.floating]) -> NDArray[np.floating]:
    """XᵀX as a dense table, filled in blocks of rows, in Fortran order (it is symmetric)."""
    items = train.shape[1]
    table = np.empty((items, items), dtype, order="F")
    transposed = sparse.csr_matrix(train.T)
    for rows in batches_of(items, rows_in_batch(_ENTRY_BYTES * items)):
        table[:, rows] = (transposed[rows] @ train).toarray().T
    return table


def _weights(table: NDArray[np.floating], regularization: float) -> Scores:
    """The weights from XᵀX, whose memory is reused: −P / diag(P) with P = (XᵀX + λI)⁻¹, and diagonal 0."""
    table[np.diag_indices_from(table)] += regularization
    factorize, invert = lapack.get_lapack_funcs(("potrf", "potri"), (table,))
    factor, failed = factorize(table, lower=True, overwrite_a=True, clean=False)
    inverse, failed_too = invert(factor, lower=True, overwrite_c=True)
    if failed or failed_too:
        raise FloatingPointError(f"XᵀX + {regularization:g} I is not positive definite in {table.dtype}")
    diagonal = np.diag(inverse).copy()
    weights = np.empty(inverse.shape, np.float32) if inverse.dtype == np.float64 else inverse.T
    # From the last columns on: those before them are still needed, and are overwritten where ``weights``
    # shares their memory.
    for rows in reversed(list(batches_of(len(diagonal), rows_in_batch(_ENTRY_BYTES * len(diagonal))))):
        _mirror(inverse, rows)
        weights[rows] = inverse[:, rows].T / -diagonal
    np.fill_diagonal(weights, 0.0)
    return weights


def _mirror(lower: NDArray[np.floating], rows: slice) -> None:
    """Complete the columns ``rows`` of a symmetric matrix of which the lower triangle is given."""
    lower[: rows.start, rows] = lower[rows, : rows.start].T
    own = lower[rows, rows]
    own[...] = np.tril(own) + np.tril(own, -1).T
