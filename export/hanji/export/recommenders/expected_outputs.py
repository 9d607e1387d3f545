"""Reference outputs of the compressed Keras model, which every artifact is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras as keras

from hanji.export.bundle.queries import Query, Scores
from hanji.export.recommenders.formats.signatures import Signatures
from hanji.training.errors import ConversionError
from hanji.training.recommenders.history_samples import FlatHistories
from hanji.training.recommenders.history_scoring import history_scorer
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.models.padding import PADDING
from hanji.training.recommenders.models.pooling import SINGLE_USER

QUERIES = 32
"""The number of users or histories whose scores over the whole catalogue are compared."""

PAIRS = 256
MAX_HISTORY_LENGTH = 100
_FIRST_PADDED = 24  # queries from this index on contain padding; golden.json uses only earlier ones

Indices = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Reference:
    """Queries and the outputs of the Keras model for them.

    ``queries`` use the signature ``catalogue`` or ``history``; row i of ``scores`` (float32 [Q, items]) is
    the expected output of query i. ``detail_queries`` cover the other signature: a single ``pairs`` query for
    the pairs ``pair_rows`` (the index in ``queries``) and ``pair_items``, or one ``why`` query per history
    with the expected output ``shares``. ``spread`` is the mean standard deviation of a row of scores.
    """

    queries: tuple[Query, ...]
    detail_queries: tuple[Query, ...]
    scores: Scores
    spread: float
    pair_rows: Indices | None = None
    pair_items: Indices | None = None
    shares: tuple[Scores, ...] = ()

    @property
    def all_queries(self) -> tuple[Query, ...]:
        """``queries`` followed by ``detail_queries``."""
        return self.queries + self.detail_queries

    @property
    def input_kind(self) -> str:
        """The kind of the queries' inputs, for messages."""
        return "users" if self.pair_rows is not None else "histories"


def reference(model: keras.Model, users: int, items: int, *, seed: int = 0) -> Reference:
    """The Keras model's outputs for ``QUERIES`` random users (or all users, if fewer) or random histories.

    Raises ConversionError for scores that are not finite.
    """
    rng = np.random.default_rng(seed)
    found = (
        _of_histories(model, rng) if isinstance(model, HistoryModel) else _of_users(model, users, items, rng)
    )
    if not np.isfinite(found.scores).all():
        raise ConversionError(
            "expected finite scores from the compressed model, found NaN or infinity; retrain it"
        )
    return found


def _of_users(model: keras.Model, users: int, items: int, rng: np.random.Generator) -> Reference:
    chosen = rng.choice(users, min(QUERIES, users), replace=False).astype(np.int32)
    functions = Signatures(model, items)
    scores = np.stack([functions.catalogue(tf.constant([user]))["scores"].numpy() for user in chosen])
    rows = rng.integers(0, len(chosen), PAIRS).astype(np.int32)
    pair_items = rng.integers(0, items, PAIRS).astype(np.int32)
    return Reference(
        queries=tuple(Query("catalogue", {"user": user}) for user in chosen[:, None]),
        detail_queries=(Query("pairs", {"user": chosen[rows], "item": pair_items}),),
        scores=scores,
        spread=_spread(scores),
        pair_rows=rows,
        pair_items=pair_items,
    )


def _of_histories(model: HistoryModel, rng: np.random.Generator) -> Reference:
    histories = _histories(model, rng)
    padded = [_with_padding(history, rng) for history in histories[_FIRST_PADDED:]]
    inputs = [*histories[:_FIRST_PADDED], *padded]
    items = rng.integers(0, model.items, (QUERIES, 1)).astype(np.int32)
    scores = _scores(model, histories)
    table = model.table()
    return Reference(
        queries=tuple(Query("history", {"history": history}) for history in inputs),
        detail_queries=tuple(
            Query("why", {"history": history, "item": item})
            for history, item in zip(inputs, items, strict=True)
        ),
        scores=scores,
        spread=_spread(scores),
        shares=tuple(_shares(model, table, *pair) for pair in zip(inputs, items, strict=True)),
    )


def _histories(model: HistoryModel, rng: np.random.Generator) -> list[Indices]:
    """Random histories, the first of a single item. Where the order counts, one is longer than what the model
    considers, and one has the items of another in another order."""
    lengths = rng.integers(1, min(MAX_HISTORY_LENGTH, model.items) + 1, QUERIES)
    lengths[0] = 1
    if model.config.ordered:
        lengths[1] = min(model.config.history_ages + MAX_HISTORY_LENGTH, model.items)
    histories = [rng.choice(model.items, length, replace=False).astype(np.int32) for length in lengths]
    if model.config.ordered:
        histories[3] = rng.permutation(histories[2])
    return histories


def _with_padding(history: Indices, rng: np.random.Generator) -> Indices:
    """The history with one to four padding entries inserted between or after its items."""
    places = rng.integers(0, len(history) + 1, rng.integers(1, 5))
    padded: Indices = np.insert(history, places, PADDING)
    return padded


def _scores(model: HistoryModel, histories: Sequence[Indices]) -> Scores:
    """Scores float32 [histories, items], computed as in evaluation: in batches, without padding."""
    bounds = np.cumsum([0, *map(len, histories)])
    flat = FlatHistories(np.concatenate(histories), bounds.astype(np.int64))
    return history_scorer(model, flat).table(np.arange(len(histories)))


def _shares(model: HistoryModel, table: tf.Tensor, history: Indices, item: Indices) -> Scores:
    """The contribution of each entry of ``history`` to the score of ``item``, float32 [L], by gradient."""
    present = history != PADDING
    rows = tf.gather(table, history[present])
    age = tf.range(len(rows) - 1, -1, -1, dtype=tf.float32)[:, None]
    weighted = model.weighted(rows, tf.ones_like(age), age, SINGLE_USER)
    pooled = SINGLE_USER.pool(weighted)
    with tf.GradientTape() as tape:
        tape.watch(pooled)
        score = model.scores_of(model.user_of(pooled), tf.gather(table, item))
    gradient = tape.gradient(score, pooled)
    shares = np.zeros(len(history), np.float32)
    shares[present] = tf.matmul(weighted, gradient, transpose_b=True).numpy()[:, 0]
    return shares


def _spread(scores: Scores) -> float:
    return max(float(scores.std(axis=1).mean()), 1e-6)


__all__ = ["QUERIES", "Reference", "reference"]
