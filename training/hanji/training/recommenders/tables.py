"""Scores of the whole catalogue, in batches of users: a table of all users × items never exists."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from hanji.training.memory import rows_in_batch

Users = NDArray[np.int64]
Table = NDArray[np.float32]

PairScorer = Callable[[NDArray[np.int32], NDArray[np.int32]], Table]
"""(users [n], items [n]) → scores float32 [n]."""

TableScorer = Callable[[Users], Table]
"""User indices int64 [n] → scores float32 [n, items], which the caller does not modify."""

TableWriter = Callable[[Users, Table], None]
"""User indices int64 [n] and a table float32 [n, items], into which their scores are written."""

SubsetScorer = Callable[[Users, NDArray[np.int32]], Table]
"""User indices int64 [n] and items int32 [m] → scores float32 [n, m]."""

LARGE_CATALOGUE = 50_000
"""Larger catalogues are never scored as a whole for every user: training samples items, validation scores
pairs, and the metrics of the whole catalogue are those of a sample of the users."""

USERS = 512
"""Batches of more users have a multiple of this, the batch in which neural models compute."""

_FEW_USERS = 32  # of a table of the items of pairs: with more users, fewer of its scores are used
_ROWS = 64  # of a table whose best items are found at a time, so that they stay in the cache


def users_in_batch(items: int) -> int:
    """How many users a table of ``items`` scores each may have."""
    rows = rows_in_batch(4 * items)
    return rows - rows % USERS if rows > USERS else rows


def batches_of(count: int, size: int) -> Iterator[slice]:
    """The slices of up to ``size`` that make up 0 … ``count``."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def computed_once(score: TableScorer, users: int, items: int) -> TableScorer:
    """``score`` itself or, if the scores of all users fit into one batch, the same from their table."""
    return score(np.arange(users)).__getitem__ if users <= users_in_batch(items) else score


def writer_of(score: TableScorer) -> TableWriter:
    """A writer of these scores."""

    def write(users: Users, table: Table) -> None:
        table[...] = score(users)

    return write


def subset_writer(score: SubsetScorer) -> TableWriter:
    """A writer of the scores of all items, for a few users at a time, so that copies need little memory."""

    def write(users: Users, table: Table) -> None:
        items = np.arange(table.shape[1], dtype=np.int32)
        for batch in batches_of(len(users), _FEW_USERS):
            table[batch] = score(users[batch], items)

    return write


def subset_tables(score: SubsetScorer, items: int) -> TableScorer:
    """The scores of all ``items``, computed as by ``subset_writer``."""
    write = subset_writer(score)

    def tables(users: Users) -> Table:
        table = np.empty((len(users), items), np.float32)
        write(users, table)
        return table

    return tables


def pair_scorer(score: TableScorer, items: int) -> PairScorer:
    """Scores of pairs, taken from tables of their users; each user's row is computed once per call."""

    def pairs(users: NDArray[np.int32], of_users: NDArray[np.int32]) -> Table:
        scores = np.empty(len(users), np.float32)
        for known, rows in _rows_by_user(users, users_in_batch(items)):
            table = score(known.astype(np.int64))
            scores[rows] = table[np.searchsorted(known, users[rows]), of_users[rows]]
        return scores

    return pairs


def subset_pair_scorer(score: SubsetScorer) -> PairScorer:
    """Scores of pairs, taken from tables of a few users and of all items that occur with them."""

    def pairs(users: NDArray[np.int32], of_users: NDArray[np.int32]) -> Table:
        scores = np.empty(len(users), np.float32)
        for known, rows in _rows_by_user(users, _FEW_USERS):
            items, columns = np.unique(of_users[rows], return_inverse=True)
            table = score(known.astype(np.int64), items)
            scores[rows] = table[np.searchsorted(known, users[rows]), columns]
        return scores

    return pairs


def _rows_by_user(
    users: NDArray[np.int32], size: int
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.intp]]]:
    """Batches of up to ``size`` different users, in ascending order, each with the positions of its users."""
    order = np.argsort(users, kind="stable")
    known, first = np.unique(users[order], return_index=True)
    bounds = np.append(first, len(users))
    for batch in batches_of(len(known), size):
        yield known[batch], order[bounds[batch.start] : bounds[batch.stop]]


def best_unseen(table: Table, seen: NDArray[np.int32], k: int) -> NDArray[np.int32]:
    """The ``k`` best items of each row, best first, without those seen; int32 [rows, k].

    ``seen`` int32 [n, 2] has (row, item), sorted by row. Of equal scores, the item with the lower index comes
    first. ValueError if too many scores are NaN to fill a row.
    """
    best = np.empty((len(table), k), np.int32)
    bounds = np.searchsorted(seen[:, 0], np.arange(len(table) + 1))
    for rows in batches_of(len(table), _ROWS):
        unseen = table[rows].copy()
        own = seen[bounds[rows.start] : bounds[rows.stop]]
        unseen[own[:, 0] - rows.start, own[:, 1]] = -np.inf
        lowest = np.partition(unseen, unseen.shape[1] - k, axis=1)[:, unseen.shape[1] - k]
        for row, (scores, least) in enumerate(zip(unseen, lowest, strict=True), rows.start):
            best[row] = _best(scores, least, k)
    return best


def _best(scores: Table, least: np.float32, k: int) -> NDArray[np.intp]:
    """The positions of the ``k`` largest scores, of which ``least`` is the smallest."""
    enough = np.flatnonzero(scores >= least)
    if len(enough) < k:
        raise ValueError("scores contain NaN and cannot be ranked")
    return enough[np.argsort(-scores[enough], kind="stable")[:k]]


__all__ = [
    "LARGE_CATALOGUE",
    "USERS",
    "PairScorer",
    "SubsetScorer",
    "Table",
    "TableScorer",
    "TableWriter",
    "Users",
    "batches_of",
    "best_unseen",
    "computed_once",
    "pair_scorer",
    "subset_pair_scorer",
    "subset_tables",
    "subset_writer",
    "users_in_batch",
    "writer_of",
]
