"""Rows of items that nobody interacted with, predicted from their genres and titles.

Training ignores such items: they would only be negatives. The rows that a trained model has for all others
are regressed on their genres and title words, and the regression predicts the missing rows (Gantner, Drumond,
Freudenthaler, Rendle and Schmidt-Thieme 2010, "Learning attribute-to-feature mappings for cold-start
recommendations").
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
from hanji.training.recommenders.baselines.content import words_of
from hanji.training.recommenders.data import Catalogue
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel

Rows = NDArray[np.float32]
Floats = NDArray[np.float64]

MOST_WORDS = 2_000
"""The regression solves a system as large as their number."""

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

    An item without a genre or word that others have gets the mean of all rows, with which it ranks like an
    average item of the catalogue.
    """
    features = word_table(catalogue)
    known, missing = features[: catalogue.warm_items], features[catalogue.warm_items :]
    popularity = np.array(catalogue.popularity[: catalogue.warm_items], np.float64)
    usable, described = _any(known) & (popularity > 0), _any(missing)
    predicted = np.tile(rows.mean(axis=0), (catalogue.cold_items, 1))
    explained = 0.0
    if usable.any():
        # The rows of rare items are mostly noise.
        weights = np.log1p(popularity[usable])
        mapping, explained = _mapping(known[usable], rows[usable], weights / weights.mean())
        predicted[described] = mapping.predict(missing[described])
    logger.info(
        f"{catalogue.cold_items:,} items without interactions: embeddings predicted from genres and titles, "
        f"which explain {explained:.0%} of the variance of held-out ones"
        + (f"; {int((~described).sum()):,} have neither and get the mean" if not described.all() else "")
    )
    return predicted.astype(np.float32)


def word_table(catalogue: Catalogue) -> sparse.csr_matrix:
    """The genres and title words of each item as 0 or 1, [items, words]: the MOST_WORDS most frequent ones of
    those that at least two items with interactions have."""
    texts = [sorted(words) for words in words_of(catalogue)]
    counts = Counter(word for words in texts[: catalogue.warm_items] for word in words)
    frequent = sorted((word for word, count in counts.items() if count > 1), key=lambda it: (-counts[it], it))
    column = {word: index for index, word in enumerate(frequent[:MOST_WORDS])}
    found = [[column[word] for word in words if word in column] for words in texts]
    indices = np.array([index for row in found for index in row], np.int64)
    bounds = np.cumsum([0, *map(len, found)])
    return sparse.csr_matrix((np.ones(len(indices)), indices, bounds), (catalogue.items, len(column)))


@dataclass(frozen=True)
class _Mapping:
    """A linear map from words to rows: ``coefficients`` float64 [words, size], ``intercept`` [size]."""

    coefficients: NDArray[np.float64]
    intercept: NDArray[np.float64]

    @classmethod
    def fit(cls, features: sparse.csr_matrix, rows: Rows, weights: Floats, penalty: float) -> _Mapping:
        """Ridge regression (Hoerl and Kennard 1970) of weighted rows; the intercept is not penalized."""
        weighted, total = sparse.csr_matrix(features.multiply(weights[:, None])), weights.sum()
        mean = np.asarray(weighted.sum(axis=0)).ravel() / total
        target = weights @ rows / total
        gram = (features.T @ weighted).toarray() - total * np.outer(mean, mean)
        gram[np.diag_indices_from(gram)] += penalty
        coefficients = np.linalg.solve(gram, weighted.T @ (rows - target))
        return cls(coefficients, target - mean @ coefficients)

    def predict(self, features: sparse.csr_matrix) -> Floats:
        """Rows [n, size] for ``features`` [n, words]."""
        return np.asarray(features @ self.coefficients + self.intercept)


def _mapping(features: sparse.csr_matrix, rows: Rows, weights: Floats) -> tuple[_Mapping, float]:
    """The mapping whose penalty predicts held-out rows best, and the share of their variance it explains."""
    count = len(rows)
    order = np.random.default_rng(0).permutation(count)
    tested, trained = np.split(order, [min(max(count // _TESTED_PART, 1), count - 1)])

    def error(predicted: Floats | Rows) -> float:
        return float((np.square(predicted - rows[tested]).sum(axis=1) * weights[tested]).sum())

    def error_of(penalty: float) -> float:
        mapping = _Mapping.fit(features[trained], rows[trained], weights[trained], penalty)
        return error(mapping.predict(features[tested]))

    errors = {penalty: error_of(penalty) for penalty in _PENALTIES}
    best = min(errors, key=errors.__getitem__)
    variance = error(np.average(rows[trained], axis=0, weights=weights[trained])[None])
    explained = 1.0 - errors[best] / variance if variance else 0.0
    return _Mapping.fit(features, rows, weights, best), explained


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
    "predicted_rows",
    "with_cold_items",
    "without_cold_items",
    "word_table",
]
