"""Implicit-feedback matrix factorization by alternating least squares (Hu et al. 2008).

The loss of Rendle et al. (2022), "Revisiting the performance of iALS": 1 for each interaction, a small
weight for every other pair, and a penalty on each row that grows with its number of interactions. Given the
item factors, the factors of a user solve a small linear system, which is how a new history is folded in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from hanji.training.recommenders.baselines.histories import Histories, Scores


@dataclass(frozen=True)
class Als:
    """Item factors [items, factors], and the hyperparameters for folding in."""

    items: Scores
    regularization: float
    unobserved_weight: float

    @classmethod
    def fit(
        cls,
        train: Histories,
        *,
        factors: int = 64,
        epochs: int = 8,
        regularization: float = 0.007,
        unobserved_weight: float = 0.3,
        seed: int = 0,
    ) -> Als:
        """Alternate ``epochs`` times between all users and all items of ``train`` [users, items]."""
        rng = np.random.default_rng(seed)
        start = rng.standard_normal((train.shape[1], factors)) * 0.1 / np.sqrt(factors)
        items = start.astype(np.float32)
        transposed = sparse.csr_matrix(train.T)
        for _ in range(epochs):
            users = solve_rows(train, items, regularization, unobserved_weight)
            items = solve_rows(transposed, users, regularization, unobserved_weight)
        return cls(items, regularization, unobserved_weight)

    def fold_in(self, histories: Histories) -> Scores:
        """User factors [users, factors] of any histories, from training or not."""
        return solve_rows(histories, self.items, self.regularization, self.unobserved_weight)

    def scores(self, histories: Histories) -> Scores:
        """The product of folded-in user factors and item factors."""
        return self.fold_in(histories) @ self.items.T


def solve_rows(rows: Histories, others: Scores, regularization: float, unobserved_weight: float) -> Scores:
    """The optimal factors of each row, given the factors ``others`` [columns, factors] of the columns."""
    gram = unobserved_weight * others.T @ others
    identity = np.eye(others.shape[1], dtype=np.float32)
    solved = np.zeros((rows.shape[0], others.shape[1]), np.float32)
    for row in range(rows.shape[0]):
        observed = others[rows.indices[rows.indptr[row] : rows.indptr[row + 1]]]
        penalty = regularization * (len(observed) + unobserved_weight * len(others))
        solved[row] = np.linalg.solve(gram + observed.T @ observed + penalty * identity, observed.sum(axis=0))
    return solved
