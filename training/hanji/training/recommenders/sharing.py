"""Parts of a recommender's batches, which several workers compute together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hanji.training.fitting.supervision import Batch, Part


def share_of_rows(batch: Batch, part: Part) -> tuple[Batch, float]:
    """Some rows of every array of a batch, and their fraction."""
    rows = part.of(len(batch[0]))
    return tuple(array[rows] for array in batch), _fraction(rows, len(batch[0]))


def share_of_users(batch: Batch, part: Part) -> tuple[Batch, float]:
    """Some users of a batch of histories, and their fraction of its users.

    A batch is (kept, held) pairs int32 [n, 2] of a user and an item, sorted by user, and the number of users.
    The items of a sampled batch, which follow, are shared by all parts, so that each part's softmaxes are
    those of the whole batch.
    """
    kept, held, count, *items = batch
    users = part.of(int(count))
    own = (_pairs_of(kept, users), _pairs_of(held, users), np.int32(users.stop - users.start))
    return (*own, *items), _fraction(users, int(count))


def share_of_sequences(batch: Batch, part: Part) -> tuple[Batch, float]:
    """Some of the targets of a batch of sequences, with the sequences that they are in, and their fraction.

    A batch is sequences int32 [B, T] and targets int32 [P, 3], sorted by sequence. The items of a sampled
    batch, which follow, are shared by all parts. A batch with fewer targets than parts, which an epoch may
    end with whatever its batch size, is not divided: each part is all of it, with an equal weight.
    """
    sequences, targets, *items = batch
    if len(targets) < part.count:
        return batch, 1.0 / part.count
    rows = part.of(len(targets))
    own = targets[rows]
    first, last = own[0, 0], own[-1, 0]
    parts = (sequences[first : last + 1], own - np.array([first, 0, 0], np.int32))
    return (*parts, *items), _fraction(rows, len(targets))


def _pairs_of(pairs: NDArray[np.int32], users: slice) -> NDArray[np.int32]:
    """The pairs of ``users``, which are counted from the first of them."""
    start, stop = np.searchsorted(pairs[:, 0], [users.start, users.stop])
    return pairs[start:stop] - np.array([users.start, 0], np.int32)


def _fraction(rows: slice, count: int) -> float:
    return float(rows.stop - rows.start) / count


__all__ = ["share_of_rows", "share_of_sequences", "share_of_users"]
