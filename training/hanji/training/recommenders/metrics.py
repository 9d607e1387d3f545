"""Ranking metrics, on numpy arrays of scores.

The leave-one-out protocol of He et al. (2017): each user's held-out item is ranked among 99 sampled ones. Two
details matter for comparability. A tie counts *against* the positive, so a constant model scores zero. And
the candidates are a *set*, as in the authors' evaluator: a negative that equals the positive, or repeats
another, is not counted twice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]

K = 10
"""Length of the lists that all reports evaluate."""

HALF_INTERVAL = 1.96
"""Standard errors to each side of a 95 % interval."""


def positive_ranks(scores: Floats, candidates: Indices) -> NDArray[np.int64]:
    """0-based rank of the first candidate of each row.

    ``scores`` and ``candidates`` are [users, 1 + negatives]; column 0 is the positive.
    """
    return ranks_among(scores, counted_negatives(candidates))


def counted_negatives(candidates: Indices) -> NDArray[np.bool_]:
    """True where a negative counts, bool [users, negatives]: not the positive, and not a repetition."""
    counted: NDArray[np.bool_] = candidates[:, 1:] != candidates[:, :1]
    counted &= ~_repeated(candidates[:, 1:])
    return counted


def ranks_among(scores: Floats, counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The same as ``positive_ranks``, given the ``counted_negatives``, which several scores can share."""
    _expect_finite(scores)
    ranks: NDArray[np.int64] = np.count_nonzero((scores[:, 1:] >= scores[:, :1]) & counted, axis=1)
    return ranks


def ranks_among_unseen(table: Floats, positives: Indices, seen: Indices) -> NDArray[np.int64]:
    """0-based rank of each row's positive among the other items of the catalogue, without those seen.

    ``table`` is [users, items], ``positives`` [users]; ``seen`` [n, 2] has each (row, item) once. A positive
    that is itself seen is ranked like any other.
    """
    _expect_finite(table)
    own = np.take_along_axis(table, positives[:, None], axis=1)[:, 0]
    as_good = np.array(
        [np.count_nonzero(row >= least) for row, least in zip(table, own, strict=True)], np.int64
    )
    rows, items = seen.T
    excluded = (table[rows, items] >= own[rows]) & (items != positives[rows])
    not_ranked = 1 + np.bincount(rows[excluded], minlength=len(table))  # 1: the positive itself
    ranks: NDArray[np.int64] = as_good - not_ranked
    return ranks


def hit_ratio(ranks: NDArray[np.int64], k: int = 10) -> float:
    """Fraction of users whose positive is among the first ``k``."""
    return float(np.mean(ranks < k))


def ndcg(ranks: NDArray[np.int64], k: int = 10) -> float:
    """Mean of 1 / log2(rank + 2) where the positive is among the first ``k``, else 0."""
    return float(np.mean(ndcg_gains(ranks, k)))


def ndcg_standard_error(ranks: NDArray[np.int64], k: int = 10) -> float:
    """The standard error of ``ndcg`` over the users: σ / √users."""
    return float(np.std(ndcg_gains(ranks, k)) / np.sqrt(len(ranks)))


def ndcg_gains(ranks: NDArray[np.int64], k: int = 10) -> NDArray[np.float64]:
    """What each user adds to ``ndcg``, float64 [users]."""
    gains: NDArray[np.float64] = np.where(ranks < k, 1.0 / np.log2(ranks + 2.0), 0.0)
    return gains


def reciprocal_rank(ranks: NDArray[np.int64]) -> float:
    """Mean of 1 / (rank + 1), of all ranks (MRR)."""
    return float(np.mean(reciprocal_ranks(ranks)))


def reciprocal_ranks(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each user adds to ``reciprocal_rank``, float64 [users]."""
    reciprocals: NDArray[np.float64] = np.reciprocal(ranks + 1.0, dtype=np.float64)
    return reciprocals


def coverage(top: Indices, lengths: NDArray[np.int64], items: int) -> float:
    """Share of a catalogue of ``items`` that is in some list: the first ``lengths`` [users] of ``top``."""
    listed = np.arange(top.shape[1]) < lengths[:, None]
    return len(np.unique(top[listed])) / items


def precision(top: Indices, relevant: Indices) -> float:
    """Mean fraction of each user's top-k [users, k] that is the held-out item [users].

    With one relevant item per user, the maximum is 1 / k.
    """
    return float(np.mean((top == relevant[:, None]).mean(axis=1)))


def intra_list_diversity(top: Indices, features: Floats) -> float:
    """1 − mean cosine similarity between the items of a list, averaged over users.

    ``top`` is [users, k]; ``features`` [items, d] describes the items (genres, as 0/1). Items
    without any feature are skipped; NaN if no list has two items with features.
    """
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    unit = np.divide(features, norms, out=np.zeros_like(features), where=norms > 0)
    rows = unit[top]
    known = (norms[top, 0] > 0).sum(axis=1)
    pairs = known * (known - 1.0)
    similarity = np.square(rows.sum(axis=1)).sum(axis=1) - known
    enough = pairs > 0
    if not enough.any():
        return float("nan")
    return float(np.mean(1.0 - similarity[enough] / pairs[enough]))


def _expect_finite(scores: Floats) -> None:
    if not np.isfinite(scores).all():
        raise ValueError("scores contain NaN or infinite values and cannot be ranked")


def _repeated(candidates: Indices) -> NDArray[np.bool_]:
    """True where a candidate already occurred further left in its row."""
    order = np.argsort(candidates, axis=1, kind="stable")
    ordered = np.take_along_axis(candidates, order, axis=1)
    again = np.zeros(candidates.shape, bool)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    result = np.empty_like(again)
    np.put_along_axis(result, order, again, axis=1)
    return result
