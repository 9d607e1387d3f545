"""What the compressed Keras model answers, to questions that every artifact of it is asked, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras as keras

from hanji.export.bundle.answers import Question, Scores
from hanji.export.recommenders.formats.signatures import Signatures
from hanji.training.errors import ConversionError
from hanji.training.recommenders.history_samples import FlatHistories
from hanji.training.recommenders.models.history import PADDING, SINGLE_USER, HistoryModel
from hanji.training.recommenders.scoring import history_scorer

QUESTIONS = 32
"""Users or histories whose scores over the whole catalogue are compared."""

PAIRS = 256
LONGEST = 100  # items of a history
_PADDED = 24  # the first of the questions that holds padding; golden.json replays the ones before

Indices = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Reference:
    """What the Keras model answers.

    ``questions`` are ``catalogue`` or ``history``, one for each row of ``scores`` (float32 [Q, items]);
    ``details`` come after them: ``pairs``, of ``pair_rows`` (which question) with ``pair_items``, or one
    ``why`` for each history, to be answered with ``shares``. ``spread`` is the mean standard deviation
    of a row of scores.
    """

    questions: tuple[Question, ...]
    details: tuple[Question, ...]
    scores: Scores
    spread: float
    pair_rows: Indices | None = None
    pair_items: Indices | None = None
    shares: tuple[Scores, ...] = ()

    @property
    def all_questions(self) -> tuple[Question, ...]:
        """The whole catalogue for each user or history, then the details."""
        return self.questions + self.details

    @property
    def asks(self) -> str:
        """What the questions hold, in a word."""
        return "users" if self.pair_rows is not None else "histories"


def reference(model: keras.Model, users: int, items: int, *, seed: int = 0) -> Reference:
    """The Keras model's answers to ``QUESTIONS`` of ``users`` users (all if fewer), or as many histories.

    Raises ConversionError for scores that are not finite.
    """
    rng = np.random.default_rng(seed)
    found = (
        _of_histories(model, rng) if isinstance(model, HistoryModel) else _of_users(model, users, items, rng)
    )
    if not np.isfinite(found.scores).all():
        raise ConversionError(
            "expected finite scores from the compressed model, found NaN or infinity; train it again"
        )
    return found


def _of_users(model: keras.Model, users: int, items: int, rng: np.random.Generator) -> Reference:
    chosen = rng.choice(users, min(QUESTIONS, users), replace=False).astype(np.int32)
    functions = Signatures(model, items)
    scores = np.stack([functions.catalogue(tf.constant([user]))["scores"].numpy() for user in chosen])
    rows = rng.integers(0, len(chosen), PAIRS).astype(np.int32)
    pair_items = rng.integers(0, items, PAIRS).astype(np.int32)
    return Reference(
        questions=tuple(Question("catalogue", {"user": user}) for user in chosen[:, None]),
        details=(Question("pairs", {"user": chosen[rows], "item": pair_items}),),
        scores=scores,
        spread=_spread(scores),
        pair_rows=rows,
        pair_items=pair_items,
    )


def _of_histories(model: HistoryModel, rng: np.random.Generator) -> Reference:
    lengths = rng.integers(1, min(LONGEST, model.items) + 1, QUESTIONS)
    lengths[0] = 1
    histories = [rng.choice(model.items, length, replace=False).astype(np.int32) for length in lengths]
    asked = [*histories[:_PADDED], *(_with_padding(history, rng) for history in histories[_PADDED:])]
    items = rng.integers(0, model.items, (QUESTIONS, 1)).astype(np.int32)
    scores = _scores(model, histories)
    table = model.table()
    return Reference(
        questions=tuple(Question("history", {"history": history}) for history in asked),
        details=tuple(
            Question("why", {"history": history, "item": item})
            for history, item in zip(asked, items, strict=True)
        ),
        scores=scores,
        spread=_spread(scores),
        shares=tuple(_shares(model, table, *of) for of in zip(asked, items, strict=True)),
    )


def _with_padding(history: Indices, rng: np.random.Generator) -> Indices:
    """The history in its order, with one to four places of padding among and behind its items."""
    places = rng.integers(0, len(history) + 1, rng.integers(1, 5))
    padded: Indices = np.insert(history, places, PADDING)
    return padded


def _scores(model: HistoryModel, histories: Sequence[Indices]) -> Scores:
    """Float32 [histories, items], as the model is evaluated: in batches, with no padding."""
    bounds = np.cumsum([0, *map(len, histories)])
    flat = FlatHistories(np.concatenate(histories), bounds.astype(np.int64))
    return history_scorer(model, flat).table(np.arange(len(histories)))


def _shares(model: HistoryModel, table: tf.Tensor, history: Indices, item: Indices) -> Scores:
    """What each place of ``history`` brings to the score of ``item``, float32 [L], by its gradient."""
    present = history != PADDING
    rows = tf.gather(table, history[present])
    age = tf.range(len(rows) - 1, -1, -1, dtype=tf.float32)[:, None]
    weights = model.pooling_weights(rows, tf.ones_like(age), age, SINGLE_USER)
    pooled = SINGLE_USER.pool(weights * rows)
    with tf.GradientTape() as tape:
        tape.watch(pooled)
        score = model.scores_of(model.user_of(pooled), tf.gather(table, item))
    slope = tape.gradient(score, pooled)
    shares = np.zeros(len(history), np.float32)
    shares[present] = (weights * tf.matmul(rows, slope, transpose_b=True)).numpy()[:, 0]
    return shares


def _spread(scores: Scores) -> float:
    return max(float(scores.std(axis=1).mean()), 1e-6)


__all__ = ["QUESTIONS", "Reference", "reference"]
