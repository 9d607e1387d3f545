"""Distillation: a smaller model of the same kind learns from the teacher's scores.

The student sees the same sampled items as the teacher did, with the teacher's probability for
each instead of a bare 0 or 1 (Hinton, Vinyals and Dean 2015).
"""

from __future__ import annotations

from dataclasses import replace

import tf_keras as keras

from hanji.compression.fitting import Fitting
from hanji.compression.steps import Distil
from hanji.training.determinism import seed_everything
from hanji.training.models.build import build_model
from hanji.training.models.config import ModelConfig


def student_config(teacher: ModelConfig, step: Distil) -> ModelConfig:
    """The teacher's kind of model in the student's size."""
    return replace(
        teacher,
        embedding_size=step.embedding_size,
        mlp_embedding_size=step.mlp_embedding_size,
        hidden_units=step.hidden_units,
        dropout=step.dropout,
        embedding_dropout=step.embedding_dropout,
        embedding_regularization=step.embedding_regularization,
    )


def distil(config: ModelConfig, step: Distil, fitting: Fitting) -> keras.Model:
    """A trained student of ``config``; ``fitting.samples`` must hold the teacher's targets."""
    seed_everything(fitting.seed)
    student = build_model(config, users=fitting.data.users, items=fitting.data.items)
    fitting.fit(student, fitting.schedule(step), name="Distilling")
    return student
