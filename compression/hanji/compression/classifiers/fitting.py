"""Training shared by the steps of a recipe: the images, the supervision, where checkpoints go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tf_keras as keras

from hanji.compression.classifiers.distillation.teacher import Views, distillation_epochs, teacher_outputs
from hanji.compression.classifiers.steps import (
    ClusterWeights,
    ImageDistil,
    ImagePrune,
    ImageQuantize,
    PruneChannels,
)
from hanji.runtime.manifest import ImageInput
from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.classifiers.fit import optimizer_of, validation_of
from hanji.training.classifiers.objectives import distillation_objective
from hanji.training.fitting.checkpoint import Checkpoint
from hanji.training.fitting.loop import FitResult, FitRun, Hooks, fit
from hanji.training.fitting.supervision import Supervision
from hanji.training.progress import OnEpoch
from hanji.training.settings import table_from

RetrainStep = ImageDistil | PruneChannels
"""Steps that train as the full model was trained."""

FineTuneStep = ImagePrune | ClusterWeights | ImageQuantize
"""Steps that fine-tune the current weights."""


@dataclass(frozen=True)
class Fitting:
    """Shared by the steps of one recipe; distillation replaces the supervision with the teacher's outputs."""

    dataset: ImageDataset

    image_input: ImageInput
    """How pixels are converted to the network's input."""

    supervision: Supervision

    training: ImageTrainingConfig
    """Options of the full model's training; a step overrides those that it sets itself."""

    seed: int

    identity: str
    """Identifies the full model and the steps so far; a checkpoint with another identity is not resumed."""

    work: Path | None = None
    on_epoch: OnEpoch | None = None

    has_teacher: bool = False
    """Whether the supervision comes from a teacher."""

    def schedule(self, step: RetrainStep | FineTuneStep, *, averaged: bool = True) -> ImageTrainingConfig:
        """The full model's training options with the step's epochs and learning rate.

        Fine-tuning uses Adam without weight decay or warmup. Sparse models must not be ``averaged``: a weight
        average over changing masks has no zeros.
        """
        decay = self.training.average_decay if averaged else 0.0
        rate = self.training.learning_rate if step.learning_rate is None else step.learning_rate
        own = replace(self.training, epochs=step.epochs, learning_rate=rate, average_decay=decay)
        if isinstance(step, ImageDistil):
            return _student_schedule(own, step)
        if isinstance(step, PruneChannels):
            return own
        return replace(own, optimizer="adam", weight_decay=0.0, warmup=0.0, precision="float32")

    def steps_per_epoch(self) -> int:
        """Gradient steps per epoch."""
        return max(len(self.dataset.train) // self.training.batch_size, 1)

    def views(self, count: int) -> Views:
        """``count`` augmented copies of the training images."""
        return Views(self.dataset.train, self.training.augmentation, self.seed, count)

    def distilling_from(
        self, model: keras.Model, *, teacher_weight: float, temperature: float, views: int
    ) -> Fitting:
        """This fitting with ``model`` in its current state as the teacher, unless it has one already.

        For steps that change a network considerably.
        """
        if self.has_teacher:
            return self
        augmented = self.views(views)
        logits = self.teacher_logits(model, augmented)
        return self.with_teacher(augmented, logits, teacher_weight=teacher_weight, temperature=temperature)

    def teacher_logits(self, teacher: keras.Model, views: Views) -> list[Any]:
        """The teacher's logits for each view, float32 [n, classes]."""
        scorer = ClassifierScorer(teacher, self.image_input)
        return teacher_outputs(views, scorer.logits, teacher=teacher, what="logits", work=self.work)

    def with_teacher(
        self, views: Views, logits: list[Any], *, teacher_weight: float, temperature: float
    ) -> Fitting:
        """This fitting, supervised by a teacher's ``logits`` for each view in addition to the labels."""
        objective = distillation_objective(
            self.image_input, self.dataset.classes, teacher_weight=teacher_weight, temperature=temperature
        )
        supervision = Supervision(distillation_epochs(views, (logits,)), objective)
        return replace(self, supervision=supervision, has_teacher=True)

    def fit(
        self,
        model: keras.Model,
        schedule: ImageTrainingConfig,
        name: str,
        *,
        hooks: Hooks | None = None,
        single_run: bool = False,
        validated: keras.Model | None = None,
    ) -> FitResult:
        """Fit ``model`` in place on the current supervision.

        ``single_run`` keeps the last epoch, for schedules that cannot be resumed; only it is saved.
        ``validated`` is the part of ``model`` that is validated; default: all of it.
        """
        settings = [self.identity, name, table_from(schedule), self.seed]
        path = self.work / f"{name.lower().replace(' ', '-')}.npz" if self.work else None
        checkpoint = Checkpoint(path, settings, content=self.dataset.training_content) if path else None
        return fit(
            model,
            self.supervision,
            schedule,
            validation_of(validated or model, self.dataset.validation, self.image_input),
            FitRun(name, self.seed, checkpoint, keep_last=single_run, on_epoch=self.on_epoch),
            optimizer=optimizer_of(schedule),
            hooks=hooks,
        )


def _student_schedule(training: ImageTrainingConfig, step: ImageDistil) -> ImageTrainingConfig:
    """The full model's training options, overridden by those that the step sets for the student."""
    options = {"optimizer": step.optimizer, "batch_size": step.batch_size, "weight_decay": step.weight_decay}
    overrides: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    return replace(training, precision=step.precision, label_smoothing=0.0, **overrides)
