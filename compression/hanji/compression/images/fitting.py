"""What every step that trains needs: the pictures, the targets it follows, where checkpoints go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tf_keras as keras

from hanji.compression.images.steps import Channels, Cluster, Distil, Prune, Quantize
from hanji.compression.images.teaching import Views, answers_to, taught_pictures
from hanji.runtime.manifest import PictureInput
from hanji.training.checkpoint import Checkpoint
from hanji.training.images.config import ImageTrainingConfig
from hanji.training.images.data import ImageDataset
from hanji.training.images.evaluation import ClassifierScorer
from hanji.training.images.fit import fit_classifier, validation_of
from hanji.training.images.objectives import taught
from hanji.training.loop import History, Hooks, Validate
from hanji.training.objectives import Objective
from hanji.training.samples import EpochSource
from hanji.training.settings import table_from

Afresh = Distil | Channels
"""Steps that train as the full model was trained."""

Gently = Prune | Cluster | Quantize
"""Steps that only adapt what is there."""


@dataclass(frozen=True)
class Fitting:
    """Shared by the steps of one recipe; on distillation what is fitted becomes the teacher's word."""

    dataset: ImageDataset

    picture: PictureInput
    """How pixels become the network's input."""

    epochs: EpochSource
    objective: Objective

    training: ImageTrainingConfig
    """Of the full model; a step replaces the fields it has of its own."""

    seed: int
    work: Path | None

    identity: str
    """Of the full model and the steps so far: a checkpoint of others is not taken up."""

    taught: bool = False
    """Whether ``epochs`` and ``objective`` are a teacher's word."""

    def schedule(self, step: Afresh | Gently, *, averaged: bool = True) -> ImageTrainingConfig:
        """The full model's training options with the step's own epochs and learning rate.

        A step that only adapts what is there takes Adam, without weight decay, at a rate that falls from the
        first step on. A model that must stay sparse is not ``averaged``: an average over moving masks has no
        zeros.
        """
        decay = self.training.average_decay if averaged else 0.0
        rate = self.training.learning_rate if step.learning_rate is None else step.learning_rate
        own = replace(self.training, epochs=step.epochs, learning_rate=rate, average_decay=decay)
        if isinstance(step, Distil):
            return _of_student(own, step)
        if isinstance(step, Channels):
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
        if self.taught:
            return self
        seen = self.views(views)
        logits = self.logits_of(model, seen)
        return self.taught_by(seen, logits, teacher_weight=teacher_weight, temperature=temperature)

    def logits_of(self, teacher: keras.Model, views: Views) -> list[Any]:
        """What ``teacher`` says of each view, float32 [n, classes]."""
        scorer = ClassifierScorer(teacher, self.picture)
        return answers_to(views, scorer.logits, teacher=teacher, what="logits", work=self.work)

    def taught_by(
        self, views: Views, logits: list[Any], *, teacher_weight: float, temperature: float
    ) -> Fitting:
        """The same, but what is fitted are a teacher's ``logits`` for each view, beside the labels."""
        objective = taught(
            self.picture, self.dataset.classes, teacher_weight=teacher_weight, temperature=temperature
        )
        return replace(self, epochs=taught_pictures(views, (logits,)), objective=objective, taught=True)

    def fit(
        self,
        model: keras.Model,
        config: ImageTrainingConfig,
        *,
        name: str,
        hooks: Hooks | None = None,
        validate: Callable[[Validate], Validate] = lambda plain: plain,
        resume: bool = True,
        keep_last: bool = False,
        judged: keras.Model | None = None,
    ) -> History:
        """Fit ``model`` in place on the current targets; ``validate`` may wrap the plain validation.

        ``judged`` is what the validation looks at, where that is only part of ``model``.
        """
        file = f"{name.lower().replace(' ', '-')}.npz"
        settings = [self.identity, name, table_from(config), self.seed]
        plain = validation_of(judged or model, self.dataset.validation, self.picture)
        return fit_classifier(
            model,
            self.epochs,
            config,
            objective=self.objective,
            validate=validate(plain),
            seed=self.seed,
            name=name,
            checkpoint=Checkpoint(self.work / file, settings) if self.work and resume else None,
            hooks=hooks,
            keep_last=keep_last,
        )


def _of_student(training: ImageTrainingConfig, step: Distil) -> ImageTrainingConfig:
    """The full model's training options with those that the student has of its own."""
    named = {"optimizer": step.optimizer, "batch_size": step.batch_size, "weight_decay": step.weight_decay}
    own: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    return replace(training, precision=step.precision, label_smoothing=0.0, **own)
