"""What every step that trains needs: the data, the targets it follows, where checkpoints go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import tf_keras as keras

from hanji.compression.steps import Step
from hanji.training.checkpoint import Checkpoint
from hanji.training.config import TrainingConfig
from hanji.training.fitting_data import FittingData
from hanji.training.loop import History, Hooks, Validate, fit
from hanji.training.objectives import Objective
from hanji.training.samples import EpochSource
from hanji.training.settings import table_from
from hanji.training.train import validation_of


@dataclass(frozen=True)
class Fitting:
    """Shared by the steps of one recipe; on distillation what is fitted becomes the teacher's word."""

    data: FittingData
    epochs: EpochSource
    objective: Objective
    training: TrainingConfig
    """Of the teacher; a step replaces the fields it has of its own."""

    seed: int
    work: Path | None
    identity: str
    """Of the full model and the steps so far: a checkpoint of others is not taken up."""

    def schedule(self, step: Step, *, averaged: bool = True) -> TrainingConfig:
        """The teacher's training options with the step's own epochs and learning rate.

        A model that must stay sparse is not ``averaged``: an average over moving masks has no zeros.
        """
        return replace(
            self.training,
            epochs=step.epochs,
            learning_rate=step.learning_rate,
            final_learning_rate=min(self.training.final_learning_rate, step.learning_rate),
            average_decay=self.training.average_decay if averaged else 0.0,
        )

    def fit(
        self,
        model: keras.Model,
        config: TrainingConfig,
        *,
        name: str,
        hooks: Hooks | None = None,
        validate: Callable[[Validate], Validate] = lambda plain: plain,
        resume: bool = True,
        keep_last: bool = False,
    ) -> History:
        """Fit ``model`` on the current targets; ``validate`` may wrap the plain validation."""
        file = f"{name.lower().replace(' ', '-')}.npz"
        settings = [self.identity, name, table_from(config), self.seed]
        return fit(
            model,
            self.epochs,
            config,
            objective=self.objective,
            validate=validate(validation_of(model, self.data)),
            seed=self.seed,
            name=name,
            checkpoint=Checkpoint(self.work / file, settings) if self.work and resume else None,
            hooks=hooks,
            keep_last=keep_last,
        )
