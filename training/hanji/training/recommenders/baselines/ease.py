"""EASE: a linear item-to-item model in closed form (Steck 2019).

B minimizes ‖X − XB‖² + λ‖B‖² under diag(B) = 0, so an item never recommends itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hanji.training.recommenders.baselines.histories import Histories, Scores


@dataclass(frozen=True)
class Ease:
    """``weights`` [items, items]: how much each item of a history adds to the score of each other item."""

    weights: Scores

    @classmethod
    def fit(cls, train: Histories, *, regularization: float = 500.0) -> Ease:
        """Solve for ``train`` [users, items]; needs the memory and time of a dense items × items inverse."""
        gram = (train.T @ train).toarray().astype(np.float64)
        gram[np.diag_indices_from(gram)] += regularization
        inverse = np.linalg.inv(gram)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        return cls(weights.astype(np.float32))

    def scores(self, histories: Histories) -> Scores:
        """The summed weights of the items of the history."""
        return np.asarray(histories @ self.weights, np.float32)
