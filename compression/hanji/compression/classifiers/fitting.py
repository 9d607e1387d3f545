"""What every step that trains needs: the pictures, the targets it follows, where checkpoints go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tf_keras as keras

from hanji.compression.classifiers.distillation.teacher import Views, answers_to, taught_images
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
"""Steps that fine-tune the weights that are there."""


@dataclass(frozen=True)
class Fitting:
    """Shared by the steps of one recipe; distillation replaces the supervision by the teacher's outputs."""

    dataset: ImageDataset

    image_input: ImageInput
    """How pixels become the network's input."""

    supervision: Supervision

    training: ImageTrainingConfig
    """Of the full model; a step replaces the fields it has of its own."""

    seed: int

    identity: str
    """Of the full model and the steps so far: a checkpoint of another identity is not resumed."""

    work: Path | None = None
    on_epoch: OnEpoch | None = None

    has_teacher: bool = False
    """Whether the supervision comes from a teacher."""

    def schedule(self, step: RetrainStep | FineTuneStep, *, averaged: bool = True) -> ImageTrainingConfig:
        """The full model's training options with the step's own epochs and learning rate.

        A step that only adapts what is there takes Adam, without weight decay, at a rate that falls from the
        first step on. A model that must stay sparse is not ``averaged``: an average over moving masks has no
        zeros.
        """
        decay = self.training.average_decay if averaged else 0.0
        rate = self.training.learning_rate if step.learning_rate is None else step.learning_rate
        own = replace(self.training, epochs=step.epochs, learning_rate=rate, average_decay=decay)
        if isinstance(step, ImageDistil):
            return _of_student(own, step)
        if isinstance(step, PruneChannels):
            return own
        return replace(own, optimizer="adam", weight_decay=0.0, warmup=0.0, precision="float32")

    def steps_per_epoch(self) -> int:
        """Gradient steps that one epoch takes."""
        return max(len(self.dataset.train) // self.training.batch_size, 1)

    def views(self, count: int) -> Views:
        """So many augmented copies of the training pictures."""
        return Views(self.dataset.train, self.training.augmentation, self.seed, count)

    def following(
        self, model: keras.Model, *, teacher_weight: float, temperature: float, views: int
    ) -> Fitting:
        """The same, but what is fitted is what ``model`` says now, beside the labels.

        For a step that changes a network much. Where a teacher is followed already, it stays.
        """
        if self.has_teacher:
            return self
        seen = self.views(views)
        logits = self.logits_of(model, seen)
        return self.taught_by(seen, logits, teacher_weight=teacher_weight, temperature=temperature)

    def logits_of(self, teacher: keras.Model, views: Views) -> list[Any]:
        """What ``teacher`` says of each view, float32 [n, classes]."""
        scorer = ClassifierScorer(teacher, self.image_input)
        return answers_to(views, scorer.logits, teacher=teacher, what="logits", work=self.work)

    def taught_by(
        self, views: Views, logits: list[Any], *, teacher_weight: float, temperature: float
    ) -> Fitting:
        """The same, but what is fitted are a teacher's ``logits`` for each view, beside the labels."""
        objective = distillation_objective(
            self.image_input, self.dataset.classes, teacher_weight=teacher_weight, temperature=temperature
        )
        return replace(
            self, supervision=Supervision(taught_images(views, (logits,)), objective), has_teacher=True
        )

    def fit(
        self,
        model: keras.Model,
        schedule: ImageTrainingConfig,
        name: str,
        *,
        hooks: Hooks | None = None,
        whole: bool = False,
        validated: keras.Model | None = None,
    ) -> FitResult:
        """Fit ``model`` in place on the current supervision.

        ``whole`` runs all epochs in one go and keeps the last, for schedules that cannot be resumed.
        ``validated`` is the part of ``model`` that the validation looks at.
        """
        settings = [self.identity, name, table_from(schedule), self.seed]
        file = f"{name.lower().replace(' ', '-')}.npz"
        checkpoint = Checkpoint(self.work / file, settings) if self.work and not whole else None
        return fit(
            model,
            self.supervision,
            schedule,
            validation_of(validated or model, self.dataset.validation, self.image_input),
            FitRun(name, self.seed, checkpoint, keep_last=whole, on_epoch=self.on_epoch),
            optimizer=optimizer_of(schedule),
            hooks=hooks,
        )


def _of_student(training: ImageTrainingConfig, step: ImageDistil) -> ImageTrainingConfig:
    """The full model's training options with those that the student has of its own."""
    named = {"optimizer": step.optimizer, "batch_size": step.batch_size, "weight_decay": step.weight_decay}
    own: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    return replace(training, precision=step.precision, label_smoothing=0.0, **own)
