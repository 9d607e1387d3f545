"""The one fitting loop: training, distillation, pruning and quantization-aware training use it.

It minimizes an objective, validates a moving average of the weights after each epoch, keeps the
best epoch, and can be killed at any moment: the next call goes on behind the last whole epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tf_keras as keras

from hanji.training.checkpoint import Checkpoint, FitState
from hanji.training.config import TrainingConfig
from hanji.training.objectives import Objective
from hanji.training.progress import Task, progress
from hanji.training.samples import Epoch, EpochSource
from hanji.training.stepper import Stepper

Validate = Callable[[], dict[str, float]]
"""Metrics of the model as it is now; ``ndcg_at_10`` decides which epoch is best."""


def nothing() -> None:
    """The hook that does nothing."""


@dataclass(frozen=True)
class Hooks:
    """What must change weights on its own, such as a pruning schedule."""

    before_step: Callable[[], None] = nothing
    after_step: Callable[[], None] = nothing


@dataclass(frozen=True)
class History:
    """Validation metrics by epoch, and the 0-based epoch whose weights were kept."""

    epochs: tuple[dict[str, float], ...]
    best_epoch: int

    @property
    def best(self) -> dict[str, float]:
        """The validation metrics of the epoch that was kept."""
        return self.epochs[self.best_epoch]


def fit(
    model: keras.Model,
    samples: EpochSource,
    config: TrainingConfig,
    *,
    objective: Objective,
    validate: Validate,
    seed: int,
    name: str,
    checkpoint: Checkpoint | None = None,
    hooks: Hooks | None = None,
    keep_last: bool = False,
) -> History:
    """Fit ``model`` in place and leave it with the weights of its best epoch.

    ``keep_last`` runs all epochs and keeps the last, for schedules that end where they must.
    """
    stepper = Stepper(model, objective, config)
    state = checkpoint.load() if checkpoint else None
    if state:
        stepper.restore(state.weights, state.average, state.optimizer)
    patience = config.epochs if keep_last else config.patience
    with progress(name) as task:
        while state is None or not state.finished(epochs=config.epochs, patience=patience):
            epoch = len(state.history) if state else 0
            drawn = samples(np.random.default_rng([seed, epoch]))
            _run_epoch(stepper, drawn, config, epoch, task, hooks or Hooks())
            state = _validated(stepper, state, validate, keep_last)
            task.report(_figures(stepper, state, config))
            if checkpoint:
                checkpoint.save(state)
    model.set_weights(state.best)
    return History(state.history, state.best_epoch)


def _run_epoch(
    stepper: Stepper, drawn: Epoch, config: TrainingConfig, epoch: int, task: Task, hooks: Hooks
) -> None:
    steps = drawn.steps(config.batch_size)
    task.expect(task.done + (config.epochs - epoch) * steps)
    stepper.set_learning_rate(config, epoch)
    for batch in drawn.batches(config.batch_size):
        hooks.before_step()
        stepper.step(batch)
        hooks.after_step()
        task.advance()


def _validated(stepper: Stepper, before: FitState | None, validate: Validate, keep_last: bool) -> FitState:
    with stepper.averaged():
        metrics = validate()
        averaged = stepper.model.get_weights()
    history = (*(before.history if before else ()), metrics)
    if before and not keep_last and metrics["ndcg_at_10"] <= history[before.best_epoch]["ndcg_at_10"]:
        best_epoch, best = before.best_epoch, before.best
    else:
        best_epoch, best = len(history) - 1, averaged
    return FitState(
        history=history,
        best_epoch=best_epoch,
        best=best,
        weights=stepper.model.get_weights(),
        average=stepper.average_weights(),
        optimizer=stepper.optimizer_weights(),
    )


def _figures(stepper: Stepper, state: FitState, config: TrainingConfig) -> str:
    last, best = state.history[-1], state.history[state.best_epoch]
    return (
        f"epoch {len(state.history)} of {config.epochs}: loss {stepper.mean_loss():.4f}, "
        f"validation HR@10 {last['hr_at_10']:.4f}, NDCG@10 {last['ndcg_at_10']:.4f} "
        f"(best {best['ndcg_at_10']:.4f} in epoch {state.best_epoch + 1})"
    )
