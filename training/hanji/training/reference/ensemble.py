"""Several reference models as one: z-scores, weighted as held-out items choose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hanji.training.errors import DataError
from hanji.training.evaluation import evaluate_candidates
from hanji.training.fitting_data import FittingData
from hanji.training.reference.als import Als
from hanji.training.reference.ease import Ease
from hanji.training.reference.histories import ReferenceModel, Scores, histories_of

FACTORS = 128
ALS_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
LARGEST_TABLE = 500_000_000
"""Scores of every user for every item that are held in memory, 4 bytes each."""


@dataclass(frozen=True)
class Ensemble:
    """``scores`` [users, items] of everybody who was trained on, and the share of ALS that made them."""

    scores: Scores
    als_share: float
    validation: dict[str, float]


def fit_ensemble(data: FittingData, *, seed: int, factors: int = FACTORS) -> Ensemble:
    """ALS and EASE on the training set less its held-out items, which choose the shares.

    DataError where users × items do not fit into memory.
    """
    if data.users * data.items > LARGEST_TABLE:
        raise DataError(
            f"the ensemble holds a score for each of {data.users:,} users × {data.items:,} items, and "
            f"expects at most {LARGEST_TABLE:,} of them; take the full model as the teacher"
        )
    als = _standardized(Als, data, factors=factors, seed=seed)
    ease = _standardized(Ease, data)
    tried = [_validated(share * als + (1.0 - share) * ease, share, data) for share in ALS_SHARES]
    return max(tried, key=lambda ensemble: ensemble.validation["ndcg_at_10"])


def _standardized(kind: type[Als] | type[Ease], data: FittingData, **settings: int) -> Scores:
    train = histories_of(data.train, users=data.users, items=data.items)
    model: ReferenceModel = kind.fit(train, **settings)
    scores = model.scores(train)
    spread = np.maximum(scores.std(axis=1, keepdims=True), 1e-9)
    return np.asarray((scores - scores.mean(axis=1, keepdims=True)) / spread, np.float32)


def _validated(scores: Scores, share: float, data: FittingData) -> Ensemble:
    found = evaluate_candidates(lambda users, items: scores[users, items], data.validation)
    return Ensemble(scores.astype(np.float32), share, found)
