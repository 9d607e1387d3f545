"""The fitting loop of training, distillation, pruning and quantization-aware training.

It minimizes an objective, validates a moving average of the weights after each epoch and keeps the best
epoch. It can be killed at any time: the next call resumes after the last completed epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tf_keras as keras

from hanji.training.fitting.checkpoint import Checkpoint, FitState
from hanji.training.fitting.distribution import ALONE, Workers, agreed
from hanji.training.fitting.lazy_adam import LazyAdam
from hanji.training.fitting.prefetch import prefetched
from hanji.training.fitting.supervision import Part, Supervision
from hanji.training.fitting.train_step import TrainStep
from hanji.training.progress import EpochEnd, OnEpoch, ProgressTask, progress

Validate = Callable[[], dict[str, float]]
"""Returns the metrics of the model with its current weights; see Monitor for the one that is compared."""


class Schedule(Protocol):
    """The training options that a fit needs; the implementations are frozen dataclasses."""

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
        """The learning rate in this 0-based epoch after the fraction ``share`` of its steps."""
        ...


@dataclass(frozen=True)
class Monitor:
    """The validation metric that selects the best epoch (higher is better), and the labels of those shown."""

    metric: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Validation:
    """How a model is validated after each epoch, and by which metric epochs are compared."""

    metrics: Validate
    monitor: Monitor
    share: Callable[[Part], tuple[dict[str, float], float]] | None = None
    """The metrics of one worker's part of the samples, and its weight in the mean over all workers; None if
    the chief has to validate alone."""


def no_hook() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Hooks:
    """Callbacks that change weights before or during a fit, such as a pruning schedule."""

    before_first_epoch: Callable[[], None] = no_hook
    """Initializes the model; not called by a fit that resumes."""

    before_step: Callable[[], None] = no_hook
    after_step: Callable[[], None] = no_hook
    before_validation: Callable[[], None] = no_hook
    """Called while the model has the averaged weights, which are then validated and may be kept."""


@dataclass(frozen=True)
class FitRun:
    """One run of the loop: its name, seed, checkpoint, stopping rule, callback and workers."""

    name: str
    seed: int
    checkpoint: Checkpoint | None = None
    keep_last: bool = False
    """Run all epochs and keep the last, for schedules that reach their target only at the end. Such a fit
    cannot be resumed, so its checkpoint is written only then."""

    on_epoch: OnEpoch | None = None
    workers: Workers = ALONE
    """Of several workers, all return the same result; the chief alone uses the checkpoint."""


@dataclass(frozen=True)
class FitResult:
    """Validation metrics by epoch, and the 0-based epoch whose weights were kept."""

    epochs: tuple[dict[str, float], ...]
    best_epoch: int

    @property
    def best(self) -> dict[str, float]:
        """The validation metrics of the epoch that was kept."""
        return self.epochs[self.best_epoch]


def fit(
    model: keras.Model,
    supervision: Supervision,
    schedule: Schedule,
    validation: Validation,
    run: FitRun,
    *,
    optimizer: keras.optimizers.Optimizer | None = None,
    hooks: Hooks | None = None,
) -> FitResult:
    """Fit ``model`` in place and leave it with the weights of its best epoch.

    The ``optimizer`` must be a new one; without it, Adam is used, for a sparse objective the lazy one.
    """
    hooks = hooks or Hooks()
    checkpoint = run.checkpoint if run.workers.is_chief else None
    state = checkpoint.load() if checkpoint else None
    if state is None and run.workers.is_chief:
        hooks.before_first_epoch()
    step = _step_of(model, supervision, schedule, run.workers, optimizer)
    if state:
        step.restore(state.weights, state.average, state.optimizer)
    state = agreed(state, step, run.workers)
    patience = schedule.epochs if run.keep_last else schedule.patience
    with progress(run.name) as task:
        while state is None or not state.finished(epochs=schedule.epochs, patience=patience):
            epoch = len(state.history) if state else 0
            _run_epoch(step, supervision, schedule, (run.seed, epoch), task, hooks)
            state = _validated(step, state, validation, hooks, run)
            if checkpoint and (not run.keep_last or len(state.history) == schedule.epochs):
                checkpoint.save(state)
            _report(step, state, schedule, validation.monitor, run, task)
    model.set_weights(state.best)
    return FitResult(state.history, state.best_epoch)


def _step_of(
    model: keras.Model,
    supervision: Supervision,
    schedule: Schedule,
    workers: Workers,
    optimizer: keras.optimizers.Optimizer | None,
) -> TrainStep:
    adam = LazyAdam if supervision.objective.sparse else keras.optimizers.Adam
    with workers.scope():
        optimizer = optimizer or adam(schedule.learning_rate)
    decay = schedule.average_decay
    return TrainStep(model, supervision.objective, optimizer, average_decay=decay, workers=workers)


def _run_epoch(
    step: TrainStep,
    supervision: Supervision,
    schedule: Schedule,
    seed: tuple[int, int],
    task: ProgressTask,
    hooks: Hooks,
) -> None:
    """Run the epoch of this ``seed``: that of the run, and the number of the epoch."""
    samples, epoch = supervision.epochs(np.random.default_rng(seed)), seed[1]
    steps = samples.steps(schedule.batch_size)
    task.expect(task.done + (schedule.epochs - epoch) * steps)
    step.begin_epoch()
    batches = samples.batches(schedule.batch_size)
    for done, batch in enumerate(prefetched(batches) if supervision.prefetch else batches):
        step.set_learning_rate(schedule.learning_rate_at(epoch, done / steps))
        hooks.before_step()
        step(batch)
        hooks.after_step()
        task.advance()


def _validated(
    step: TrainStep, previous: FitState | None, validation: Validation, hooks: Hooks, run: FitRun
) -> FitState:
    """The state after an epoch, which is the best one if the monitored metric rose, or with ``keep_last``."""
    with step.averaged():
        hooks.before_validation()
        metrics = run.workers.validated(validation)
        averaged = step.model.get_weights()
    history = (*(previous.history if previous else ()), metrics)
    best_epoch, best = len(history) - 1, averaged
    metric = validation.monitor.metric
    if previous and not run.keep_last and metrics[metric] <= history[previous.best_epoch][metric]:
        best_epoch, best = previous.best_epoch, previous.best
    return FitState(
        history=history,
        best_epoch=best_epoch,
        best=best,
        weights=step.model.get_weights(),
        average=step.average_weights(),
        optimizer=step.optimizer_weights(),
    )


def _report(
    step: TrainStep, state: FitState, schedule: Schedule, monitor: Monitor, run: FitRun, task: ProgressTask
) -> None:
    """Log the metrics of the epoch, and pass them to the run's callback."""
    last, best = state.history[-1], state.history[state.best_epoch]
    shown = ", ".join(f"{label} {last[name]:.4f}" for name, label in monitor.labels.items())
    end = EpochEnd(
        fit=run.name,
        epoch=len(state.history),
        epochs=schedule.epochs,
        loss=step.mean_loss(),
        validation=last,
        best_epoch=state.best_epoch + 1,
    )
    task.report(
        f"epoch {end.epoch} of {end.epochs}: loss {end.loss:.4f}, validation {shown} "
        f"(best {best[monitor.metric]:.4f} in epoch {end.best_epoch})"
    )
    if run.on_epoch:
        run.on_epoch(end)
