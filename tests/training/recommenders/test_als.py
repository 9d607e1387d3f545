"""Alternating least squares, compared with one solution after another."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from scipy import sparse

from hanji.training.recommenders.baselines import least_squares
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.least_squares import LeastSquares, blocks_of, solve_rows


def histories(users: int, items: int, *, seed: int = 0) -> sparse.csr_matrix:
    """Histories of very different lengths: none, one item, up to nearly all."""
    rng = np.random.default_rng(seed)
    shares = np.minimum(rng.pareto(1.0, users) * 0.02, 0.9)
    shares[:2] = 0.0, 0.95
    return sparse.csr_matrix((rng.random((users, items)) < shares[:, None]).astype(np.float32))


def one_by_one(
    rows: sparse.csr_matrix, others: np.ndarray, regularization: float, weight: float
) -> np.ndarray:
    """The optimal factors of each row in double precision, from the definition."""
    table, others = rows.toarray().astype(np.float64), others.astype(np.float64)
    solved = np.zeros((len(table), others.shape[1]))
    for row, observed in enumerate(table > 0):
        penalty = regularization * (observed.sum() + weight * len(others))
        matrix = weight * others.T @ others + others[observed].T @ others[observed]
        solved[row] = np.linalg.solve(matrix + penalty * np.eye(len(matrix)), others[observed].sum(axis=0))
    return solved


@pytest.mark.parametrize(("factors", "regularization"), [(5, 0.007), (64, 0.007), (64, 0.0001)])
def test_rows_equal_those_solved_one_by_one(factors: int, regularization: float) -> None:
    rows = histories(120, 300)
    others = np.random.default_rng(1).normal(0, 0.3, (300, factors)).astype(np.float32)
    problem = LeastSquares.of(others, regularization, 0.3)
    found = solve_rows(problem, blocks_of(rows), rows.shape[0])
    expected = one_by_one(rows, others, regularization, 0.3)
    np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())
    assert not found[0].any()


def test_long_rows_are_summed_up_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = histories(50, 200)
    others = np.random.default_rng(1).normal(0, 0.3, (200, 4)).astype(np.float32)
    problem = LeastSquares.of(others, 0.01, 0.3)
    whole = solve_rows(problem, blocks_of(rows), rows.shape[0])
    monkeypatch.setattr(least_squares, "ENTRIES", 16)
    np.testing.assert_allclose(
        solve_rows(problem, blocks_of(rows), rows.shape[0]), whole, rtol=1e-3, atol=1e-5
    )


def test_blocks_have_every_row_that_is_not_empty_once() -> None:
    rows = histories(5_000, 300)
    blocks = blocks_of(rows)
    lengths = np.diff(rows.indptr)
    assert sorted(np.concatenate([block.rows for block in blocks])) == np.flatnonzero(lengths).tolist()
    assert all(block.observed.size <= least_squares.ENTRIES for block in blocks)


def test_the_result_does_not_depend_on_the_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = histories(400, 150)
    fits = []
    for cores in (1, 3):
        monkeypatch.setattr(least_squares, "usable_cores", lambda cores=cores: cores)
        fits.append(Als.fit(rows, factors=16, epochs=2, seed=4).items)
    np.testing.assert_array_equal(*fits)


def test_factors_are_at_most_the_shorter_side() -> None:
    assert Als.fit(histories(12, 40), factors=64, epochs=1).items.shape == (40, 12)


def test_progress_is_shown(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("hanji.training.progress.SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO, "hanji"):
        Als.fit(histories(30, 40), factors=4, epochs=3)
    assert "Alternating least squares: 6/6 steps" in caplog.text
