"""The least-squares problems of alternating least squares: one for each row, in blocks, on all cores.

A row with the observed columns S minimizes (w YᵀY + Y_Sᵀ Y_S + p I) x = Y_Sᵀ 1, where Y has the factors of
the columns and p is its penalty. In the eigenbasis of YᵀY, the matrix without S is diagonal: D. So a row with
fewer interactions than factors needs only a system of that size (Woodbury): with Z = Y_S D^-½,
x = D^-½ Zᵀ (I + ZZᵀ)⁻¹ 1.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack
from threadpoolctl import threadpool_limits

from hanji.training.cores import usable_cores

Floats = NDArray[np.float32]

ENTRIES = 1 << 12
"""Interactions in a block: their factors stay in a core's cache."""

_TINY = 24  # up to this size, systems are solved together; the overhead of a call is larger than its work


@dataclass(frozen=True)
class Block:
    """Some ``rows`` int64 [n] of similar lengths int64 [n], none of them empty.

    ``observed`` int32 [n, longest] has the columns of each, filled up with the number of all columns.
    """

    rows: NDArray[np.int64]
    lengths: NDArray[np.int64]
    observed: NDArray[np.int32]


def blocks_of(rows: sparse.csr_matrix) -> list[Block]:
    """The rows that are not empty, those with the most interactions first."""
    lengths = np.diff(rows.indptr).astype(np.int64)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    blocks, start = [], 0
    while start < len(order):
        most = _rows_in_block(int(lengths[order[start]]))
        longest = int(lengths[order[min(start + most, len(order)) - 1]])
        block = order[start : start + _rows_in_block(longest)]
        blocks.append(Block(block, lengths[block], _padded(rows, block, lengths[block])))
        start += len(block)
    return blocks[::-1]


@dataclass(frozen=True)
class LeastSquares:
    """The problem that all rows share.

    ``columns`` float32 [columns + 1, factors]: the factors of the columns in the eigenbasis, and a row of
    zeros. ``spectrum`` float32 [factors]: the diagonal without penalty. ``basis`` float32 [factors, factors].
    ``constant_penalty`` is that of an empty row; each interaction adds ``penalty``.
    """

    columns: Floats
    spectrum: Floats
    basis: Floats
    constant_penalty: float
    penalty: float

    @classmethod
    def of(cls, columns: Floats, regularization: float, unobserved_weight: float) -> LeastSquares:
        """The problem for the factors ``columns`` [columns, factors]."""
        with threadpool_limits(1, "blas"):  # the sums of one thread are the same on every machine
            values, vectors = np.linalg.eigh((columns.T @ columns).astype(np.float64))
            basis = vectors.astype(np.float32)
            rotated = np.zeros((len(columns) + 1, columns.shape[1]), np.float32)
            np.matmul(columns, basis, out=rotated[:-1])
        spectrum = (unobserved_weight * np.maximum(values, 0.0)).astype(np.float32)
        return cls(
            rotated, spectrum, basis, regularization * unobserved_weight * len(columns), regularization
        )

    def solve(self, block: Block) -> Floats:
        """The optimal factors float32 [rows, factors] of the rows of a block."""
        penalties = self.constant_penalty + self.penalty * block.lengths[:, None]
        diagonal = (self.spectrum + penalties).astype(np.float32)
        solve = _solve_short if block.observed.shape[1] <= len(self.spectrum) else _solve_long
        solution: Floats = solve(self.columns, block.observed, diagonal) @ self.basis.T
        return solution


def solve_rows(
    problem: LeastSquares, blocks: list[Block], rows: int, done: Callable[[], None] = lambda: None
) -> Floats:
    """The optimal factors of all rows, float32 [rows, factors]; those of empty ones are zero.

    ``done`` is called after each of the ``blocks``. The result does not depend on the number of cores.
    """
    solved = np.zeros((rows, len(problem.spectrum)), np.float32)
    # Many small products: threads within one would wait for one another most of the time.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(usable_cores()) as pool:
        for block, factors in zip(blocks, pool.map(problem.solve, blocks), strict=True):
            solved[block.rows] = factors
            done()
    return solved


def _solve_short(columns: Floats, observed: NDArray[np.int32], diagonal: Floats) -> Floats:
    """Solutions [rows, factors] of rows with at most as many interactions as factors."""
    scale = np.reciprocal(np.sqrt(diagonal))
    scaled = columns.take(observed, axis=0)  # several times faster than columns[observed]
    scaled *= scale[:, None, :]
    weights = _solved(scaled @ _transposed(scaled), np.float32(1.0), np.ones(observed.shape, np.float32))
    found: Floats = np.squeeze(_transposed(scaled) @ weights[:, :, None], axis=2) * scale
    return found


def _solve_long(columns: Floats, observed: NDArray[np.int32], diagonal: Floats) -> Floats:
    """Solutions [rows, factors] of rows with more interactions; a very long one is summed up in parts."""
    systems, targets = [], []
    for start in range(0, observed.shape[1], ENTRIES):
        part = columns.take(observed[:, start : start + ENTRIES], axis=0)
        systems.append(_transposed(part) @ part)
        targets.append(_transposed(part) @ np.ones((part.shape[1], 1), np.float32))
    target = np.squeeze(sum(targets[1:], targets[0]), axis=2)
    return _solved(sum(systems[1:], systems[0]), diagonal, target)


def _solved(systems: Floats, diagonal: Floats | np.float32, targets: Floats) -> Floats:
    """Solutions [n, size] of positive definite ``systems`` [n, size, size] plus a ``diagonal``."""
    np.einsum("bii->bi", systems)[...] += diagonal
    if systems.shape[1] <= _TINY:
        return np.squeeze(np.linalg.solve(systems, targets[:, :, None]), axis=2)
    for system, target in zip(systems, targets, strict=True):
        # Symmetric, so that the transpose is the same in the order that LAPACK takes, without a copy.
        _, target[:], failed = lapack.sposv(system.T, target, lower=True, overwrite_a=True)
        if failed:
            raise FloatingPointError("alternating least squares diverged; use more regularization")
    return targets


def _transposed(matrices: Floats) -> Floats:
    return matrices.transpose(0, 2, 1)


def _padded(
    rows: sparse.csr_matrix, block: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.int32]:
    """The columns of each row in ``block``, filled up with the number of columns: int32 [block, longest]."""
    places = np.arange(lengths.max())
    first, last = rows.indptr[block][:, None], rows.indptr[block + 1][:, None] - 1
    found = rows.indices[np.minimum(first + places, last)]
    padded: NDArray[np.int32] = np.where(places < lengths[:, None], found, rows.shape[1]).astype(np.int32)
    return padded


def _rows_in_block(length: int) -> int:
    """How many rows of this length are a block."""
    return max(ENTRIES // max(length, 16), 1)
