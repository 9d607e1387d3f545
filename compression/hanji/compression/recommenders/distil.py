"""Distillation: a smaller model of the same type is trained on the teacher's scores.

A ``[user, item]`` student is trained on sampled items with the teacher's probability of each as a soft target
(Hinton, Vinyals and Dean 2015). A history student is trained on the teacher's scores of the whole catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import tf_keras as keras

from hanji.compression.recommenders.fitting import Fitting
from hanji.compression.recommenders.steps import Distil
from hanji.compression.recommenders.teacher import ensemble_of, pair_logits, teacher_targets
from hanji.training.fitting.determinism import seed_everything
from hanji.training.fitting.supervision import Supervision
from hanji.training.recommenders.baselines.histories import ScoresOf, histories_of, standardized, tables_of
from hanji.training.recommenders.footprint import expect_training_memory
from hanji.training.recommenders.history_samples import held_back_histories
from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.models.history_start import start_from_scores
from hanji.training.recommenders.objectives import distillation_objective
from hanji.training.recommenders.samples import positives_and_negatives
from hanji.training.recommenders.scoring import scores_of_histories


@dataclass(frozen=True)
class Distilled:
    """A student, its teacher if that is not the full model, and the fitting for later steps."""

    student: keras.Model
    config: ModelConfig
    fitting: Fitting
    """Supervised by the teacher, also in pruning and quantization."""

    teacher: ScoresOf | None


def student_config(teacher: ModelConfig, step: Distil) -> ModelConfig:
    """A config of the teacher's model type with the student's size."""
    return replace(
        teacher,
        embedding_size=step.embedding_size,
        mlp_embedding_size=step.mlp_embedding_size,
        hidden_units=step.hidden_units,
        dropout=step.dropout,
        embedding_dropout=step.embedding_dropout,
        embedding_regularization=step.embedding_regularization,
        history_pooling=step.history_pooling,
        user_units=step.user_units,
    )


def distil(model: keras.Model, config: ModelConfig, step: Distil, fitting: Fitting) -> Distilled:
    """A trained student of ``model``, whose config is ``config``; DataError if memory is short."""
    smaller = student_config(config, step)
    expect_training_memory(
        smaller, fitting.schedule(step), users=fitting.data.users, items=fitting.data.items
    )
    if isinstance(model, HistoryModel):
        return _history_student(model, smaller, step, fitting)
    ensemble = ensemble_of(fitting) if step.teacher == "ensemble" else None
    data, negatives = fitting.data, fitting.training.negatives
    samples = positives_and_negatives(data.train, items=data.items, negatives=negatives)
    logits = pair_logits(model, ensemble, samples, fitting)
    targets = teacher_targets(samples, logits, step.teacher_weight)
    distilling = replace(fitting, supervision=replace(fitting.supervision, epochs=targets))
    seed_everything(fitting.seed)
    student = build_model(smaller, users=data.users, items=data.items)
    distilling.fit(student, distilling.schedule(step), "Distilling")
    return Distilled(student, smaller, distilling, ensemble.scores if ensemble else None)


def _history_student(model: HistoryModel, smaller: ModelConfig, step: Distil, fitting: Fitting) -> Distilled:
    data, full = fitting.data, scores_of_histories(model)
    train = histories_of(data.train, users=data.users, items=data.items)
    ensemble = ensemble_of(fitting, {"full model": full}) if step.teacher == "ensemble" else None
    targets = ensemble.known if ensemble else tables_of(lambda rows: standardized(full(rows)), train)
    seed_everything(fitting.seed)
    student = HistoryModel(smaller, data.items)
    start_from_scores(student, targets, train, seed=fitting.seed)
    histories = held_back_histories(
        data.train, data.users, held_back=step.held_back, latest=smaller.history_order, teacher=targets
    )
    objective = distillation_objective(
        data.items,
        teacher_weight=step.teacher_weight,
        temperature=step.temperature,
        regression_weight=step.regression_weight,
    )
    distilling = replace(fitting, supervision=Supervision(histories, objective))
    distilling.fit(student, distilling.schedule(step), "Distilling")
    return Distilled(student, smaller, distilling, ensemble.scores if ensemble else None)
