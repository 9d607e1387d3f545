"""Distillation: a smaller model of the same type is trained on the teacher's scores.

A ``[user, item]`` student is trained on sampled items with the teacher's probability of each as a soft target
(Hinton, Vinyals and Dean 2015). For a history student, see history_distil.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import tf_keras as keras

from hanji.compression.recommenders.fitting import Fitting
from hanji.compression.recommenders.history_distil import Evaluation, distil_history
from hanji.compression.recommenders.sequence_distil import distil_sequences
from hanji.compression.recommenders.steps import Distil
from hanji.compression.recommenders.teacher import ensemble_of, pair_logits, teacher_targets
from hanji.training.fitting.determinism import seed_everything
from hanji.training.progress import logger
from hanji.training.recommenders.baselines.histories import evaluate_scores
from hanji.training.recommenders.footprint import expect_training_memory
from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.samples import positives_and_negatives


@dataclass(frozen=True)
class Distilled:
    """A student, its config and the fitting for later steps."""

    student: keras.Model
    config: ModelConfig
    fitting: Fitting
    """Supervised by the teacher, also in pruning and quantization."""

    teacher: Evaluation | None
    """Measures the teacher, if it is not the full model."""


def student_config(teacher: ModelConfig, step: Distil) -> ModelConfig:
    """A config of the teacher's model type with the student's size."""
    knows_order = teacher.ordered or step.history_pooling != "timescales"
    return replace(
        teacher,
        embedding_size=step.embedding_size,
        mlp_embedding_size=step.mlp_embedding_size,
        hidden_units=step.hidden_units,
        dropout=step.dropout,
        embedding_dropout=step.embedding_dropout,
        embedding_regularization=step.embedding_regularization,
        history_pooling=step.history_pooling if knows_order else "sum",
        history_heads=step.history_heads,
        user_units=step.user_units,
    )


def distil(model: keras.Model, config: ModelConfig, step: Distil, fitting: Fitting) -> Distilled:
    """A trained student of ``model``, whose config is ``config``; DataError if memory is short."""
    smaller = student_config(config, step)
    if config.type == "history" and smaller.history_pooling != step.history_pooling:
        logger.info(
            'The full model does not know the order of histories: the student\'s history_pooling is "sum", '
            f'not "{step.history_pooling}"'
        )
    data = fitting.data
    expect_training_memory(
        smaller, fitting.schedule(step), users=data.users, items=data.items, interactions=len(data.train)
    )
    if isinstance(model, HistoryModel):
        by_position = distil_sequences if smaller.ordered else distil_history
        student, distilling, evaluate = by_position(model, smaller, step, fitting)
        return Distilled(student, smaller, distilling, evaluate)
    ensemble = ensemble_of(fitting, als_engine=step.als_engine) if step.teacher == "ensemble" else None
    samples = positives_and_negatives(data.train, items=data.items, negatives=fitting.training.negatives)
    logits = pair_logits(model, ensemble, samples, fitting)
    targets = teacher_targets(samples, logits, step.teacher_weight)
    distilling = fitting.supervised_by(replace(fitting.supervision, epochs=targets))
    seed_everything(fitting.seed)
    student = build_model(smaller, users=data.users, items=data.items)
    distilling.fit(student, distilling.schedule(step), "Distilling")
    measured = partial(evaluate_scores, ensemble.scores) if ensemble else None
    return Distilled(student, smaller, distilling, measured)
