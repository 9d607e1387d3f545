"""What every step that trains needs: the data, the targets it follows, where checkpoints go."""

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
    """Shared by the steps of one recipe; distillation replaces the supervision by the teacher's scores."""

    data: TrainValidationSplit
    supervision: Supervision
    training: TrainingConfig
    """Of the teacher; a step replaces the fields it has of its own."""

    seed: int
    identity: str
    """Of the full model and the steps so far: a checkpoint of another identity is not resumed."""

    work: Path | None = None
    on_epoch: OnEpoch | None = None

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
        schedule: TrainingConfig,
        name: str,
        *,
        hooks: Hooks | None = None,
        whole: bool = False,
    ) -> FitResult:
        """Fit ``model`` in place on the current supervision.

        ``whole`` runs all epochs in one go and keeps the last, for schedules that cannot be resumed.
        """
        settings = [self.identity, name, table_from(schedule), self.seed]
        file = f"{name.lower().replace(' ', '-')}.npz"
        checkpoint = Checkpoint(self.work / file, settings) if self.work and not whole else None
        return fit(
            model,
            self.supervision,
            schedule,
            validation_of(model, self.data),
            FitRun(name, self.seed, checkpoint, keep_last=whole, on_epoch=self.on_epoch),
            hooks=hooks,
        )
