"""Training objectives of recommenders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tf_keras as keras

from hanji.training.fitting.supervision import Objective, Tensor
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.sharing import share_of_rows, share_of_sequences, share_of_users

_MASK = -1e4  # added to a logit to exclude the item from a softmax


def binary_cross_entropy_objective() -> Objective:
    """Binary cross-entropy of logits against targets in [0, 1], for models of users and items."""

    def loss(model: keras.Model, users: Tensor, items: Tensor, targets: Tensor) -> Tensor:
        flat_users = tf.repeat(users, tf.shape(items)[1])
        logits = model([flat_users, tf.reshape(items, [-1])], training=True)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.reshape(targets, [-1, 1]), logits)
        return tf.reduce_mean(losses)

    shapes = (([None], tf.int32), ([None, None], tf.int32), ([None, None], tf.float32))
    batch = tuple(tf.TensorSpec(shape, dtype) for shape, dtype in shapes)
    return Objective(loss, batch, share=share_of_rows)


def multinomial_objective(*, sampled: bool = False) -> Objective:
    """Multinomial likelihood of the items held back from each history (Liang et al. 2018).

    ``sampled``: the softmax is estimated from the items of each batch (see ``item_sampling``).
    """

    def loss(
        model: HistoryModel,
        kept: Tensor,
        held: Tensor,
        count: Tensor,
        items: Tensor = None,
        log_inclusion: Tensor = None,
    ) -> Tensor:
        logits = model.logits(kept[:, 1], kept[:, 0], count, items)
        return _likelihood(logits, kept, held, log_inclusion)

    batch = (*_history_batch(), *_sample(sampled))
    return Objective(loss, batch, sparse=sampled, share=share_of_users)


def distillation_objective(
    items: int, *, teacher_weight: float, temperature: float, regression_weight: float, sampled: bool = False
) -> Objective:
    """Distillation from a teacher's scores over the catalogue, combined with ``multinomial_objective``.

    A batch has the teacher's scores float32 [users, items], standardized per user. The distillation loss is
    the cross-entropy between the softmaxes of teacher and student at ``temperature`` (ListNet: Cao et al.
    2007; as distillation: Hinton et al. 2015), weighted with ``teacher_weight`` against the multinomial loss,
    plus ``regression_weight`` times the squared differences. Items of the user's history are excluded.
    ``sampled``: all three are estimated from the items of each batch.
    """

    def loss(
        model: HistoryModel,
        kept: Tensor,
        held: Tensor,
        count: Tensor,
        teacher: Tensor,
        items: Tensor = None,
        log_inclusion: Tensor = None,
    ) -> Tensor:
        logits = model.logits(kept[:, 1], kept[:, 0], count, items)
        seen = _table(tf.concat([kept, held], axis=0), tf.shape(logits))
        excluded = seen * _MASK if log_inclusion is None else seen * _MASK - log_inclusion
        listwise = tf.nn.softmax_cross_entropy_with_logits(
            tf.nn.softmax(teacher / temperature + excluded), logits / temperature + excluded
        )
        squares = _mean(tf.square(logits - teacher) * (1.0 - seen), log_inclusion)
        hard = _likelihood(logits, kept, held, log_inclusion)
        ranking = teacher_weight * tf.reduce_mean(listwise) + (1.0 - teacher_weight) * hard
        return ranking + regression_weight * squares

    scores = tf.TensorSpec([None, None if sampled else items], tf.float32)
    return Objective(loss, (*_history_batch(), scores, *_sample(sampled)), sparse=sampled)


@dataclass(frozen=True)
class Following:
    """How a model follows a teacher at each position: the weight of the teacher's distribution in the loss,
    and the temperature of the softmaxes (Hinton et al. 2015)."""

    weight: float
    temperature: float


def next_item_objective(
    items: int, *, following: Following | None = None, sampled: bool = False
) -> Objective:
    """Softmax cross-entropy of the item that follows (Klenitskiy and Vasilev 2023), at every target.

    A batch has ``Sequences`` and ``Targets`` (see sequence_samples), with ``following`` a teacher's logits
    float32 [targets, items], and if ``sampled`` the items from which the softmax is estimated, and their
    inclusion (see ``item_sampling``). Items of the history so far are excluded.
    """

    weight = following.weight if following else 0.0

    def loss(model: Any, sequences: Tensor, targets: Tensor, *others: Tensor) -> Tensor:
        teacher, *sample = others if following else (None, *others)
        chosen, log_inclusion = sample if sampled else (None, None)
        table = model.table(chosen)
        states = model.states(sequences, table, training=True)
        logits = model.scores_of(tf.gather_nd(states, targets[:, :2]), table)
        excluded = _so_far(sequences, targets, tf.shape(logits)) * _MASK
        terms = []
        if weight < 1.0:  # of a weight of 0, TensorFlow would compute the gradient all the same
            hard = _next_item(logits + excluded, targets[:, 2], log_inclusion)
            terms.append((1.0 - weight) * tf.reduce_mean(hard))
        if following:
            excluded = excluded if log_inclusion is None else excluded - log_inclusion
            at = 1.0 / following.temperature
            soft = tf.nn.softmax_cross_entropy_with_logits(
                tf.nn.softmax(teacher * at + excluded), logits * at + excluded
            )
            terms.append(weight * tf.reduce_mean(soft))
        return tf.add_n(terms)

    integers = [tf.TensorSpec(shape, tf.int32) for shape in ([None, None], [None, 3])]
    width = None if sampled else items
    teacher = (tf.TensorSpec([None, width], tf.float32),) if following else ()
    batch = (*integers, *teacher, *_sample(sampled))
    return Objective(loss, batch, sparse=sampled, share=None if following else share_of_sequences)


def _next_item(logits: Tensor, following: Tensor, log_inclusion: Tensor) -> Tensor:
    """The cross-entropy of each target, estimated if the logits are those of a sample of the items."""
    if log_inclusion is not None:
        # The target is certainly in the batch, the others with these probabilities.
        logits -= log_inclusion * (1.0 - tf.one_hot(following, tf.shape(logits)[1]))
    return tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits)


def _so_far(sequences: Tensor, targets: Tensor, shape: Tensor) -> Tensor:
    """1 at the items of each target's sequence up to its position, else 0; float32 of ``shape``."""
    items = tf.gather(sequences, targets[:, 0])
    given = tf.where(tf.range(tf.shape(items)[1]) <= targets[:, 1:2])
    pairs = tf.stack([tf.cast(given[:, 0], tf.int32), tf.gather_nd(items, given)], axis=1)
    return tf.minimum(_table(pairs, shape), 1.0)


def _history_batch() -> tuple[Any, ...]:
    """Tensor specs of a batch: kept and held-back pairs (user in the batch, item), and the user count."""
    pairs = tf.TensorSpec([None, 2], tf.int32)
    return (pairs, pairs, tf.TensorSpec([], tf.int32))


def _sample(sampled: bool) -> tuple[Any, ...]:
    """Tensor specs of a batch's items and of the logarithms of their inclusion probabilities."""
    return (tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.float32)) if sampled else ()


def _likelihood(logits: Tensor, kept: Tensor, held: Tensor, log_inclusion: Tensor) -> Tensor:
    """Mean negative log-likelihood of the held-back items, with the kept items excluded."""
    if log_inclusion is not None:
        # The user's own items are certainly in the batch, the others with these probabilities.
        logits -= log_inclusion * (1.0 - _table(held, tf.shape(logits)))
    log_p = tf.nn.log_softmax(logits + _table(kept, tf.shape(logits)) * _MASK)
    each = tf.gather_nd(log_p, held)
    count = tf.shape(logits)[0]
    number = tf.math.unsorted_segment_sum(tf.ones_like(each), held[:, 0], count)
    total = tf.math.unsorted_segment_sum(each, held[:, 0], count)
    return -tf.reduce_mean(total / tf.maximum(number, 1.0))


def _mean(values: Tensor, log_inclusion: Tensor) -> Tensor:
    """The mean of ``values`` [users, items] over users and catalogue, estimated if they are of a sample."""
    if log_inclusion is None:
        return tf.reduce_mean(values)
    weights = tf.exp(-log_inclusion)
    return tf.reduce_mean(tf.linalg.matvec(values, weights)) / tf.reduce_sum(weights)


def _table(pairs: Tensor, shape: Tensor) -> Tensor:
    """1 at each of the ``pairs``, else 0."""
    return tf.scatter_nd(pairs, tf.ones_like(pairs[:, 0], tf.float32), shape)


__all__ = [
    "Following",
    "Objective",
    "binary_cross_entropy_objective",
    "distillation_objective",
    "multinomial_objective",
    "next_item_objective",
]
