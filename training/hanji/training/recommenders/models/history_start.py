"""Initialization of a history model with a closed-form approximation of another model's scores.

From random weights, training needs many times the epochs and reaches lower metrics.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import svds

from hanji.training.memory import rows_in_batch
from hanji.training.recommenders.baselines.histories import Histories
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.tables import TableWriter, Users, batches_of, users_in_batch

Table = NDArray[np.float32]
ENTRY = 0.15  # standard deviation of the table's entries, which is large compared with Adam's steps

_LARGEST_TABLE = 1 << 29  # bytes


def start_from_scores(model: HistoryModel, write: TableWriter, histories: Histories, *, seed: int) -> None:
    """Set the item table and the linear path of ``model`` to approximate the scores of ``histories``.

    ``write`` writes the scores of users, the rows of ``histories`` [users, items], into a table. The item
    table spans the leading singular vectors of the scores (Eckart and Young 1936); the linear map from pooled
    histories to them is fitted by least squares. If the scores of all users are too large for one table, both
    are those of a random sample of the users; for scores of a factorization, any as many users as factors
    span the same directions.

    With fewer users than factors, the columns of the table that are left keep their random values.
    """
    users = _sampled_users(histories.shape, seed)
    scores = np.empty((len(users), histories.shape[1]), np.float32)
    _fill(scores, write, users)
    size = min(model.config.embedding_size, min(scores.shape) - 1)
    if size < 1:
        return
    scores -= scores.mean(axis=0)
    directions = _leading_directions(scores, size, seed)
    _fill(scores, write, users)  # again: a copy would need as much memory as all the rest
    table = model.item_table.numpy()
    table[:, :size] = directions.T * ENTRY * np.sqrt(len(table))
    codes = (scores @ np.linalg.pinv(table[:, :size]).T).astype(np.float32)
    pooled = _pooled(histories[users], table, model.config.history_length_exponent)
    with_one = np.hstack([pooled, np.ones((len(pooled), 1), np.float32)])
    solution = np.linalg.lstsq(with_one, codes, rcond=None)[0].astype(np.float32)
    kernel, bias = model.user_kernel.numpy(), model.user_bias.numpy()
    kernel[:, :size], bias[:size] = solution[:-1], solution[-1]
    model.item_table.assign(table)
    model.user_kernel.assign(kernel)
    model.user_bias.assign(bias)


def _sampled_users(shape: tuple[int, int], seed: int) -> Users:
    """All users or, if their table of scores would be too large, a random sample in ascending order."""
    count = rows_in_batch(4 * shape[1], largest=_LARGEST_TABLE)
    if count >= shape[0]:
        return np.arange(shape[0])
    return np.sort(np.random.default_rng([seed, 4]).choice(shape[0], count, replace=False))


def _fill(table: Table, write: TableWriter, users: Users) -> None:
    """Write the scores of ``users`` into ``table`` [users, items]."""
    for batch in batches_of(len(users), users_in_batch(table.shape[1])):
        write(users[batch], table[batch])


def _leading_directions(centred: Table, count: int, seed: int) -> Table:
    """The leading right singular vectors [count, items] of scores without each item's mean.

    The largest entry of each is positive: otherwise rounding would decide the sign, and with it the training.
    """
    start = np.random.default_rng([seed, 3]).standard_normal(min(centred.shape)).astype(np.float32)
    directions: Table = svds(centred, k=count, v0=start, return_singular_vectors="vh")[2]
    largest = np.abs(directions).argmax(axis=1)
    directions *= np.sign(directions[np.arange(count), largest])[:, None]
    return directions


def _pooled(histories: Histories, table: Table, exponent: float) -> Table:
    lengths = np.maximum(np.asarray(histories.sum(axis=1)), 1.0)
    return np.asarray(histories @ table / lengths**exponent, np.float32)


__all__ = ["start_from_scores"]
