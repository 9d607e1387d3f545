"""The one fitting loop: training, distillation, pruning and quantization-aware training use it.

It minimizes an objective, validates a moving average of the weights after each epoch, keeps the
best epoch, and can be killed at any moment: the next call goes on behind the last whole epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tf_keras as keras

from hanji.training.checkpoint import Checkpoint, FitState
from hanji.training.objectives import Objective
from hanji.training.progress import Task, progress
from hanji.training.samples import Epoch, EpochSource
from hanji.training.stepper import Stepper

Validate = Callable[[], dict[str, float]]
"""Metrics of the model as it is now; one of them decides which epoch is best, see Judgement."""


class Schedule(Protocol):
    """What a fit asks of a training's options; all of them are frozen dataclasses."""

    @property
    def epochs(self) -> int: ...

    @property
    def batch_size(self) -> int: ...

    @property
    def patience(self) -> int: ...

    @property
    def learning_rate(self) -> float: ...

    @property
    def average_decay(self) -> float: ...

    def learning_rate_at(self, epoch: int, share: float) -> float:
        """The rate in this 0-based epoch, of whose steps ``share`` (a fraction) are done."""
        ...


@dataclass(frozen=True)
class Judgement:
    """The validation metric that picks the epoch (more is better), and what those shown are called."""

    decides: str
    shown: Mapping[str, str]


RANKING = Judgement("ndcg_at_10", {"hr_at_10": "HR@10", "ndcg_at_10": "NDCG@10"})


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
    config: Schedule,
    *,
    objective: Objective,
    validate: Validate,
    seed: int,
    name: str,
    checkpoint: Checkpoint | None = None,
    hooks: Hooks | None = None,
    keep_last: bool = False,
    judgement: Judgement = RANKING,
    optimizer: keras.optimizers.Optimizer | None = None,
) -> History:
    """Fit ``model`` in place and leave it with the weights of its best epoch.

    ``keep_last`` runs all epochs and keeps the last, for schedules that end where they must. The
    ``optimizer`` is a new one, Adam where none is given.
    """
    optimizer = optimizer or keras.optimizers.Adam(config.learning_rate)
    stepper = Stepper(model, objective, optimizer, average_decay=config.average_decay)
    state = checkpoint.load() if checkpoint else None
    if state:
        stepper.restore(state.weights, state.average, state.optimizer)
    patience = config.epochs if keep_last else config.patience
    with progress(name) as task:
        while state is None or not state.finished(epochs=config.epochs, patience=patience):
            epoch = len(state.history) if state else 0
            drawn = samples(np.random.default_rng([seed, epoch]))
            _run_epoch(stepper, drawn, config, epoch, task, hooks or Hooks())
            state = _validated(stepper, state, validate, "" if keep_last else judgement.decides)
            task.report(_figures(stepper, state, config, judgement))
            if checkpoint:
                checkpoint.save(state)
    model.set_weights(state.best)
    return History(state.history, state.best_epoch)


def _run_epoch(
    stepper: Stepper, drawn: Epoch, config: Schedule, epoch: int, task: Task, hooks: Hooks
) -> None:
    steps = drawn.steps(config.batch_size)
    task.expect(task.done + (config.epochs - epoch) * steps)
    stepper.begin_epoch()
    for done, batch in enumerate(drawn.batches(config.batch_size)):
        stepper.set_learning_rate(config.learning_rate_at(epoch, done / steps))
        hooks.before_step()
        stepper.step(batch)
        hooks.after_step()
        task.advance()


def _validated(stepper: Stepper, before: FitState | None, validate: Validate, decides: str) -> FitState:
    """The state behind an epoch; the metric ``decides`` whether it is the best, an empty name that it is."""
    with stepper.averaged():
        metrics = validate()
        averaged = stepper.model.get_weights()
    history = (*(before.history if before else ()), metrics)
    if before and decides and metrics[decides] <= history[before.best_epoch][decides]:
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


def _figures(stepper: Stepper, state: FitState, config: Schedule, judgement: Judgement) -> str:
    last, best = state.history[-1], state.history[state.best_epoch]
    shown = ", ".join(f"{name} {last[key]:.4f}" for key, name in judgement.shown.items())
    return (
        f"epoch {len(state.history)} of {config.epochs}: loss {stepper.mean_loss():.4f}, validation {shown} "
        f"(best {best[judgement.decides]:.4f} in epoch {state.best_epoch + 1})"
    )
