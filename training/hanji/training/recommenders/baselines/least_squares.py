"""The least-squares problems of alternating least squares: one for each row, in blocks, on all cores.

A row with the observed columns S minimizes (w YᵀY + Y_Sᵀ Y_S + p I) x = Y_Sᵀ 1, where Y has the factors of
the columns and p is its penalty. In the eigenbasis of YᵀY, the matrix without S is diagonal: D. With
Z = Y_S D^-½, the scaled solution D^½ x is (I + ZᵀZ)⁻¹ Zᵀ1, or Zᵀ (I + ZZᵀ)⁻¹ 1 (Woodbury), so that the system
is as small as the shorter side of Z, and well conditioned in float32.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

ENTRIES = 1 << 14
"""Interactions in a block: its rows of factors stay in a core's cache."""


def blocks_of(rows: sparse.csr_matrix) -> list[Indices]:
    """The indices of the rows that are not empty, in blocks of similar lengths, long rows first."""
    lengths = np.diff(rows.indptr)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    blocks, start = [], 0
    while start < len(order):
        count = _rows_of(int(lengths[order[start]]))
        longest = int(lengths[order[min(start + count, len(order)) - 1]])
        blocks.append(order[start : start + _rows_of(longest)])
        start += len(blocks[-1])
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
            gram = columns.T @ columns
            values, vectors = np.linalg.eigh(gram.astype(np.float64))
            basis = vectors.astype(np.float32)
            rotated = np.zeros((len(columns) + 1, columns.shape[1]), np.float32)
            np.matmul(columns, basis, out=rotated[:-1])
        spectrum = unobserved_weight * np.maximum(values, 0.0)
        constant = regularization * unobserved_weight * len(columns)
        return cls(rotated, spectrum.astype(np.float32), basis, constant, regularization)

    def solve(self, rows: sparse.csr_matrix, block: Indices) -> Floats:
        """The optimal factors float32 [block, factors] of some rows, none of which is empty."""
        lengths = np.diff(rows.indptr)[block]
        penalties = self.constant_penalty + self.penalty * lengths[:, None]
        scale = (1.0 / np.sqrt(self.spectrum + penalties)).astype(np.float32)
        observed = _padded(rows, block, lengths, padding=len(self.columns) - 1)
        solve = _solve_short if observed.shape[1] <= len(self.spectrum) else _solve_long
        solution: Floats = (solve(self.columns, observed, scale) * scale) @ self.basis.T
        return solution


def solve_rows(
    rows: sparse.csr_matrix,
    problem: LeastSquares,
    blocks: list[Indices],
    done: Callable[[], None] = lambda: None,
) -> Floats:
    """The optimal factors of all rows, float32 [rows, factors]; those of empty ones are zero.

    ``done`` is called after each of the ``blocks``. The result does not depend on the number of cores.
    """
    solved = np.zeros((rows.shape[0], len(problem.spectrum)), np.float32)
    # Many small products: threads within one would wait for one another most of the time.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(_cores()) as pool:
        for block, factors in zip(
            blocks, pool.map(lambda block: problem.solve(rows, block), blocks), strict=True
        ):
            solved[block] = factors
            done()
    return solved


def _solve_short(columns: Floats, observed: Indices, scale: Floats) -> Floats:
    """Rows with at most as many interactions as factors."""
    scaled = columns[observed] * scale[:, None, :]
    system = scaled @ scaled.transpose(0, 2, 1)
    _add_identity(system)
    weights = np.linalg.solve(system, np.ones((*observed.shape, 1), np.float32))
    return np.squeeze(scaled.transpose(0, 2, 1) @ weights, axis=2)


def _solve_long(columns: Floats, observed: Indices, scale: Floats) -> Floats:
    """Rows with more interactions than factors; a very long one is summed up in parts."""
    system = np.zeros((len(scale), scale.shape[1], scale.shape[1]), np.float32)
    target = np.zeros(scale.shape, np.float32)
    for start in range(0, observed.shape[1], ENTRIES):
        scaled = columns[observed[:, start : start + ENTRIES]] * scale[:, None, :]
        system += scaled.transpose(0, 2, 1) @ scaled
        target += scaled.sum(axis=1)
    _add_identity(system)
    return np.squeeze(np.linalg.solve(system, target[:, :, None]), axis=2)


def _add_identity(systems: Floats) -> None:
    np.einsum("bii->bi", systems)[...] += 1.0


def _padded(rows: sparse.csr_matrix, block: Indices, lengths: Indices, *, padding: int) -> Indices:
    """The columns of each row in ``block``, filled up with ``padding``: int [block, longest]."""
    places = np.arange(lengths.max())
    within = places < lengths[:, None]
    last = rows.indptr[block + 1][:, None] - 1
    found = rows.indices[np.minimum(rows.indptr[block][:, None] + places, last)]
    return np.where(within, found, padding)


def _rows_of(length: int) -> int:
    """How many rows of this length are a block; at most 1024, for the systems of short ones."""
    return max(ENTRIES // max(length, 16), 1)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
