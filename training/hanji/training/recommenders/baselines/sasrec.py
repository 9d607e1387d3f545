"""SASRec as a reference model of data with an order: trained once, it reads any history."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from hanji.training.fitting.compilation import compiled
from hanji.training.fitting.determinism import seed_everything
from hanji.training.fitting.loop import FitRun, Validation, fit
from hanji.training.recommenders.baselines.histories import Histories, Scores, histories_of, tables_of
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data.validation import TrainValidationSplit
from hanji.training.recommenders.evaluation import evaluate_candidates
from hanji.training.recommenders.fit import RANKING, sequence_supervision
from hanji.training.recommenders.models.history import PADDING
from hanji.training.recommenders.models.sasrec import SasRec, SasRecConfig
from hanji.training.recommenders.tables import batches_of, pair_scorer

TRAINING = TrainingConfig(
    epochs=40,
    batch_size=1024,
    learning_rate=0.003,
    final_learning_rate=0.0001,
    average_decay=0.999,
    patience=5,
)
"""Selected on the validation items of MovieLens-1M; a step takes ``batch_size`` positions."""

_USERS = 128  # computed at once, because attention needs memory for every pair of items of a history


class SasRecScores:
    """A SASRec as a reference model, with its current weights."""

    def __init__(self, model: SasRec) -> None:
        self.model = model
        signature = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)]
        self._compiled = compiled(self._call, signature)

    def scores(self, histories: Histories) -> Scores:
        """float32 [users, items] for ``histories`` [users, items], each row of which is in time order.

        The latest ``length`` items of a history count.
        """
        counts = np.minimum(np.diff(histories.indptr), self.model.config.length)
        scores = np.empty(histories.shape, np.float32)
        by_length = np.argsort(counts, kind="stable")  # so that there is little padding
        for batch in batches_of(len(by_length), _USERS):
            users = by_length[batch]
            sequences = _latest(histories, users, counts[users])
            last = np.maximum(counts[users] - 1, 0).astype(np.int32)
            scores[users] = self._compiled(tf.constant(sequences), tf.constant(last)).numpy()
        return scores

    def _call(self, sequences: tf.Tensor, last: tf.Tensor) -> tf.Tensor:
        table = self.model.table()
        states = self.model.states(sequences, table)
        return self.model.scores_of(tf.gather(states, last, batch_dims=1), table)


def _latest(histories: Histories, users: NDArray[np.intp], counts: NDArray[np.int32]) -> NDArray[np.int32]:
    """The latest ``counts`` items of these users, oldest first and padded at the end."""
    columns = np.arange(max(counts.max(initial=0), 1))
    given = columns < counts[:, None]
    sequences = np.full(given.shape, PADDING, np.int32)
    positions = (histories.indptr[users + 1] - counts)[:, None] + columns
    sequences[given] = histories.indices[positions[given]]
    return sequences


def fit_sasrec(
    data: TrainValidationSplit,
    *,
    seed: int,
    config: SasRecConfig | None = None,
    training: TrainingConfig | None = None,
) -> SasRecScores:
    """Train on every position of the histories (softmax over the catalogue: Klenitskiy and Vasilev 2023), and
    keep the epoch with the best validation NDCG@10. The training interactions need timestamps."""
    config, training = config or SasRecConfig(), training or TRAINING
    seed_everything(seed)
    model = SasRec(config, data.items)
    reference = SasRecScores(model)
    known = histories_of(data.train, users=data.users, items=data.items)

    def validated() -> dict[str, float]:
        table = tables_of(reference.scores, known)
        return evaluate_candidates(pair_scorer(table, data.items), data.validation)

    supervision = sequence_supervision(data, training, longest=config.length)
    fit(model, supervision, training, Validation(validated, RANKING), FitRun("SASRec", seed))
    return reference


__all__ = ["TRAINING", "SasRecScores", "fit_sasrec"]
