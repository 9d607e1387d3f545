"""Training shared by the steps of a recipe: the data, the supervision, where checkpoints go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import tf_keras as keras

from hanji.compression.recommenders.steps import Step
from hanji.training.fitting.checkpoint import Checkpoint
from hanji.training.fitting.loop import FitResult, FitRun, Hooks, fit
from hanji.training.fitting.supervision import Supervision
from hanji.training.progress import OnEpoch
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data.validation import TrainValidationSplit
from hanji.training.recommenders.fit import validation_of
from hanji.training.settings import table_from


@dataclass(frozen=True)
class Fitting:
    """Shared by the steps of one recipe; distillation replaces the supervision with the teacher's scores."""

    data: TrainValidationSplit
    supervision: Supervision
    training: TrainingConfig
    """Options of the full model's training; a step overrides those that it sets itself."""

    seed: int
    identity: str
    """Identifies the full model and the steps so far; a checkpoint with another identity is not resumed."""

    work: Path | None = None
    on_epoch: OnEpoch | None = None

    def supervised_by(self, supervision: Supervision) -> Fitting:
        """The same with other samples or another objective."""
        return replace(self, supervision=supervision)

    def schedule(self, step: Step, *, averaged: bool = True) -> TrainingConfig:
        """The full model's training options with the step's epochs and learning rate.

        Sparse models must not be ``averaged``: a weight average over changing masks has no zeros.
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
        schedule: TrainingConfig,
        name: str,
        *,
        hooks: Hooks | None = None,
        single_run: bool = False,
    ) -> FitResult:
        """Fit ``model`` in place on the current supervision.

        ``single_run`` keeps the last epoch, for schedules that cannot be resumed; only it is saved.
        """
        run = self.run(name, schedule, single_run=single_run)
        return fit(model, self.supervision, schedule, validation_of(model, self.data), run, hooks=hooks)

    def run(self, name: str, schedule: TrainingConfig, *, single_run: bool = False) -> FitRun:
        """A run of the loop with this recipe's seed, callback and checkpoint; see ``fit``."""
        settings = [self.identity, name, table_from(schedule), self.seed]
        path = self.work / f"{name.lower().replace(' ', '-')}.npz" if self.work else None
        checkpoint = Checkpoint(path, settings, content=self.data.content) if path else None
        return FitRun(name, self.seed, checkpoint, keep_last=single_run, on_epoch=self.on_epoch)
