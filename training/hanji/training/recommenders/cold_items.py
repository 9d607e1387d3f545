"""Rows of items that nobody interacted with, predicted from their genres.

Training ignores such items: they would only be negatives. The rows that a trained model has for all others
are regressed on their genres, and the regression predicts the missing rows (Gantner, Drumond, Freudenthaler,
Rendle and Schmidt-Thieme 2010, "Learning attribute-to-feature mappings for cold-start recommendations").
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import tf_keras as keras
from numpy.typing import NDArray
from scipy import sparse

from hanji.training.errors import RecipeError
from hanji.training.progress import logger
from hanji.training.recommenders.data import Catalogue
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel

Rows = NDArray[np.float32]

MOST_GENRES = 2_000
"""The most frequent ones are used: the regression solves a system as large as their number."""

_PENALTIES = (1.0, 10.0, 100.0, 1000.0)
_TESTED_PART = 10  # one in as many items is held out to choose the penalty


def check_cold_items(model: ModelConfig, catalogue: Catalogue) -> None:
    """RecipeError if the catalogue has items without interactions and the model cannot predict their rows."""
    if catalogue.cold_items and model.type != "history":
        raise RecipeError(
            "data.cold_items: only history models predict items without interactions, found a "
            f'"{model.type}" model; set model.type = "history", or remove cold_items'
        )


def without_cold_items(model: keras.Model, catalogue: Catalogue) -> keras.Model:
    """``model`` without the rows of items that nobody interacted with; itself if there are none."""
    if not catalogue.cold_items:
        return model
    return _with_table(model, model.item_table.numpy()[: catalogue.warm_items])


def with_cold_items(model: keras.Model, catalogue: Catalogue) -> keras.Model:
    """``model``, which knows the other items only, with predicted rows for items that nobody interacted with.

    ``model`` is a history model [warm items]; itself if there are no such items. If its rows are quantized,
    the predicted ones are, too.
    """
    if not catalogue.cold_items:
        return model
    rows = model.item_table.numpy()
    return _with_table(model, np.concatenate([rows, predicted_rows(rows, catalogue)]))


def predicted_rows(rows: Rows, catalogue: Catalogue) -> Rows:
    """The rows float32 [cold items, size] for ``rows`` [warm items, size] of all others.

    An item without a genre that others have gets the mean of all rows, with which it ranks like an average
    item of the catalogue.
    """
    features = genre_table(catalogue)
    known, missing = features[: catalogue.warm_items], features[catalogue.warm_items :]
    usable, described = _any(known), _any(missing)
    predicted = np.tile(rows.mean(axis=0), (catalogue.cold_items, 1))
    mapping, explained = _mapping(known[usable], rows[usable])
    predicted[described] = mapping.predict(missing[described])
    logger.info(
        f"{catalogue.cold_items:,} items without interactions: embeddings predicted from the genres of "
        f"{int(usable.sum()):,} others, which explain {explained:.0%} of the variance of held-out ones"
        + (f"; {int((~described).sum()):,} have no genres and get the mean" if not described.all() else "")
    )
    return predicted.astype(np.float32)


def genre_table(catalogue: Catalogue) -> sparse.csr_matrix:
    """The genres of each item as 0 or 1, [items, genres], of those that items with interactions have."""
    counts = Counter(genre for genres in catalogue.genres[: catalogue.warm_items] for genre in genres)
    if len(counts) > MOST_GENRES:
        logger.info(f"{len(counts):,} genres: the {MOST_GENRES:,} most frequent ones predict embeddings")
    column = {name: index for index, (name, _) in enumerate(counts.most_common(MOST_GENRES))}
    found = [[column[name] for name in genres if name in column] for genres in catalogue.genres]
    indices = np.array([index for row in found for index in row], np.int64)
    bounds = np.cumsum([0, *map(len, found)])
    shape = (catalogue.items, len(column))
    return sparse.csr_matrix((np.ones(len(indices), np.float64), indices, bounds), shape)


@dataclass(frozen=True)
class _Mapping:
    """A linear map from genres to rows: ``weights`` float64 [genres, size], ``intercept`` [size]."""

    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]

    @classmethod
    def fit(cls, features: sparse.csr_matrix, rows: Rows, penalty: float) -> _Mapping:
        """Ridge regression (Hoerl and Kennard 1970) with an intercept that is not penalized."""
        mean, target = np.asarray(features.mean(axis=0)).ravel(), rows.mean(axis=0, dtype=np.float64)
        gram = (features.T @ features).toarray() - features.shape[0] * np.outer(mean, mean)
        gram[np.diag_indices_from(gram)] += penalty
        weights = np.linalg.solve(gram, features.T @ (rows - target))
        return cls(weights, target - mean @ weights)

    def predict(self, features: sparse.csr_matrix) -> NDArray[np.float64]:
        """Rows [n, size] for ``features`` [n, genres]."""
        return np.asarray(features @ self.weights + self.intercept)


def _mapping(features: sparse.csr_matrix, rows: Rows) -> tuple[_Mapping, float]:
    """The mapping whose penalty predicts held-out rows best, and the share of their variance it explains."""
    tested = np.zeros(len(rows), np.bool_)
    count = max(len(rows) // _TESTED_PART, 1)
    tested[np.random.default_rng(0).permutation(len(rows))[:count]] = len(rows) > 1
    trained = ~tested

    def error(penalty: float) -> float:
        mapping = _Mapping.fit(features[trained], rows[trained], penalty)
        return float(np.square(mapping.predict(features[tested]) - rows[tested]).sum())

    errors = {penalty: error(penalty) for penalty in _PENALTIES}
    best = min(errors, key=errors.__getitem__)
    variance = float(np.square(rows[tested] - rows[trained].mean(axis=0)).sum())
    explained = 1.0 - errors[best] / variance if variance else 0.0
    return _Mapping.fit(features, rows, best), explained


def _any(features: sparse.csr_matrix) -> NDArray[np.bool_]:
    return np.asarray(np.diff(features.indptr) > 0)


def _with_table(model: HistoryModel, rows: Rows) -> HistoryModel:
    """A copy of ``model`` with these rows of its item table."""
    copy = HistoryModel(model.config, len(rows), row_bits=model.row_bits)
    for target, source in zip(copy.weights, model.weights, strict=True):
        target.assign(rows if source is model.item_table else source)
    if copy.row_bits:
        copy.item_table.assign(copy.table())
    return copy


__all__ = [
    "check_cold_items",
    "genre_table",
    "predicted_rows",
    "with_cold_items",
    "without_cold_items",
]
