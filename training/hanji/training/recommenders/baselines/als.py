"""Implicit-feedback matrix factorization by alternating least squares (Hu et al. 2008).

The loss of Rendle et al. (2022), "Revisiting the performance of iALS": 1 for each interaction, a small
weight for every other pair, and a penalty on each row that grows with its number of interactions. Given the
item factors, the factors of a user solve a small linear system, which is how a new history is folded in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from hanji.training.progress import progress
from hanji.training.recommenders.baselines.histories import Histories, Scores
from hanji.training.recommenders.baselines.least_squares import LeastSquares, blocks_of, solve_rows
from hanji.training.recommenders.footprint import expect_factorization_memory
from hanji.training.recommenders.tables import TableScorer

FACTORS, EPOCHS, REGULARIZATION, UNOBSERVED_WEIGHT = 64, 8, 0.007, 0.3
"""The default settings."""


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
        factors: int = FACTORS,
        epochs: int = EPOCHS,
        regularization: float = REGULARIZATION,
        unobserved_weight: float = UNOBSERVED_WEIGHT,
        seed: int = 0,
    ) -> Als:
        """Alternate ``epochs`` times between all users and all items of ``train`` [users, items].

        There are at most as many factors as users and items: more could not be told apart. DataError if they
        do not fit into memory.
        """
        factors = min(factors, *train.shape)
        expect_factorization_memory(train.shape[0], train.shape[1], train.nnz, factors)
        rng = np.random.default_rng(seed)
        start = rng.standard_normal((train.shape[1], factors)) * 0.1 / np.sqrt(factors)
        items = start.astype(np.float32)
        user_blocks, item_blocks = blocks_of(train), blocks_of(sparse.csr_matrix(train.T))
        with progress("Alternating least squares") as task:
            task.expect(epochs * (len(user_blocks) + len(item_blocks)))
            for _ in range(epochs):
                problem = LeastSquares.of(items, regularization, unobserved_weight)
                users = solve_rows(problem, user_blocks, train.shape[0], task.advance)
                problem = LeastSquares.of(users, regularization, unobserved_weight)
                items = solve_rows(problem, item_blocks, train.shape[1], task.advance)
        return cls(items, regularization, unobserved_weight)

    def fold_in(self, histories: Histories) -> Scores:
        """User factors [users, factors] of any histories, from training or not."""
        return solve_rows(self._problem, blocks_of(histories), histories.shape[0])

    def scores(self, histories: Histories) -> Scores:
        """The product of folded-in user factors and item factors."""
        return self.fold_in(histories) @ self.items.T

    def tables(self, histories: Histories) -> TableScorer:
        """The same for the users of ``histories``, who are folded in once."""
        users = self.fold_in(histories)
        return lambda rows: users[rows] @ self.items.T

    @cached_property
    def _problem(self) -> LeastSquares:
        return LeastSquares.of(self.items, self.regularization, self.unobserved_weight)
