"""The fitting loop for classifiers: optimizer, validation, and the metric that picks the epoch."""

from __future__ import annotations

import tf_keras as keras

from hanji.runtime.manifest import PictureInput
from hanji.training.checkpoint import Checkpoint
from hanji.training.images.config import ImageTrainingConfig
from hanji.training.images.data import Pictures
from hanji.training.images.evaluation import ClassifierScorer
from hanji.training.images.metrics import metrics_of, probabilities_of
from hanji.training.loop import History, Hooks, Judgement, Validate, fit
from hanji.training.objectives import Objective
from hanji.training.samples import EpochSource

ACCURACY = Judgement("top1", {"top1": "top-1", "nll": "loss"})
MOMENTUM = 0.9
NOT_DECAYED = ["bias", "gamma", "beta", "norm", "quantize", "_min", "_max"]
"""Parts of the names of weights that weight decay leaves alone."""


def optimizer_of(config: ImageTrainingConfig) -> keras.optimizers.Optimizer:
    """A new optimizer with decoupled weight decay on kernels."""
    decay = config.weight_decay or None
    if config.optimizer == "adam":
        optimizer = keras.optimizers.Adam(config.learning_rate, weight_decay=decay)
    else:
        optimizer = keras.optimizers.SGD(
            config.learning_rate, momentum=MOMENTUM, nesterov=True, weight_decay=decay
        )
    if decay:
        optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
    return optimizer


def validation_of(model: keras.Model, pictures: Pictures, picture: PictureInput) -> Validate:
    """Metrics of ``model`` on the validation pictures, as it is at the time of the call."""
    scorer = ClassifierScorer(model, picture)
    return lambda: metrics_of(probabilities_of(scorer.logits(pictures.images)), pictures.labels)


def fit_classifier(
    model: keras.Model,
    epochs: EpochSource,
    config: ImageTrainingConfig,
    *,
    objective: Objective,
    validate: Validate,
    seed: int,
    name: str,
    checkpoint: Checkpoint | None = None,
    hooks: Hooks | None = None,
    keep_last: bool = False,
) -> History:
    """``hanji.training.loop.fit`` with what classifiers need; the best validation top-1 picks the epoch."""
    return fit(
        model,
        epochs,
        config,
        objective=objective,
        validate=validate,
        seed=seed,
        name=name,
        checkpoint=checkpoint,
        hooks=hooks,
        keep_last=keep_last,
        judgement=ACCURACY,
        optimizer=optimizer_of(config),
    )


__all__ = ["ACCURACY", "fit_classifier", "optimizer_of", "validation_of"]
