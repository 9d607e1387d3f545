"""Steps that several workers compute together, with ``tf.distribute.MultiWorkerMirroredStrategy``.

All workers draw the same batches from the same seed, and each computes its part of every batch. Their
gradients, weighted by the parts' sizes, add up to that of the whole batch, so that the result is that of one
process, up to rounding. The weights are on all workers. The chief alone initializes and writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.training.errors import WorkerLostError
from hanji.training.fitting.checkpoint import FitState
from hanji.training.fitting.compilation import compiled
from hanji.training.fitting.supervision import Batch, Objective, Part, Tensor
from hanji.training.progress import logger

if TYPE_CHECKING:
    from hanji.training.fitting.loop import Validation
    from hanji.training.fitting.train_step import TrainStep

Json = TypeVar("Json")
_FEW_ROWS = 50_000
"""Gradients of tables with at most as many rows are sent whole, in the message with all the others."""

_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
    tf.errors.UnknownError,
)
"""How TensorFlow reports that a worker is gone, depending on what it was doing."""


class Workers:
    """The processes that train one model; an instance of this class is one process alone."""

    part = Part(0, 1)

    @property
    def is_chief(self) -> bool:
        """Whether this process initializes and writes."""
        return self.part.index == 0

    def together(self) -> AbstractContextManager[None]:
        """A block with steps of all workers; WorkerLostError if another one is gone."""
        return nullcontext()

    def scope(self) -> AbstractContextManager[Any]:
        """Variables that are created inside the block are those of all workers, with the chief's values."""
        return nullcontext()

    def batch_of(self, objective: Objective) -> tuple[Any, ...]:
        """The tensor specs of what ``share_of`` returns."""
        return objective.batch

    def share_of(self, batch: Batch, objective: Objective) -> Batch:
        """What this process computes of a batch."""
        return batch

    def weighted(self, loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """``loss``, a function of a whole batch, as a function of this process's share."""
        return loss

    def replicated(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A step that is to be compiled, as one that runs on all workers."""
        return step

    def summed(
        self, gradients: list[Any], variables: list[Any], loss: Tensor, objective: Objective
    ) -> tuple[list[Any], Tensor]:
        """The sums over all workers of the gradients of ``variables`` and of the loss."""
        return gradients, loss

    def apply(
        self, optimizer: keras.optimizers.Optimizer, gradients: list[Any], variables: list[Any]
    ) -> None:
        """Apply summed gradients."""
        optimizer.apply_gradients(zip(gradients, variables, strict=True))

    def validated(self, validation: Validation) -> dict[str, float]:
        """The metrics of the model, the same on all workers."""
        return validation.metrics()

    def from_chief(self, make: Callable[[], Json]) -> Json:
        """The JSON-ready value that the chief makes."""
        return make()

    def array_from_chief(self, array: NDArray[Any]) -> NDArray[Any]:
        """The chief's values of an array that has the same shape and dtype on all workers."""
        return array


ALONE = Workers()


class ClusterWorkers(Workers):
    """The workers of a cluster, connected by a strategy; each has one replica, on one device."""

    def __init__(self, part: Part, strategy: tf.distribute.Strategy) -> None:
        self.part, self._strategy = part, strategy
        self._sum = compiled(self.replicated(_sum), [tf.TensorSpec([None], tf.float64)])

    @contextmanager
    def together(self) -> Iterator[None]:
        """See Workers."""
        try:
            yield
        except _LOST as error:
            logger.debug("TensorFlow's error", exc_info=error)
            raise WorkerLostError(
                "the connection to another worker was lost; run the same command again on all workers to "
                "resume after the last completed epoch"
            ) from None

    def scope(self) -> AbstractContextManager[Any]:
        """See Workers."""
        scope: AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def batch_of(self, objective: Objective) -> tuple[Any, ...]:
        """The specs of an objective's batch, and of the fraction of the batch that the share is."""
        return (*objective.batch, tf.TensorSpec([], tf.float32))

    def share_of(self, batch: Batch, objective: Objective) -> Batch:
        """See Workers."""
        if objective.share is None:
            raise ValueError("this objective's batches cannot be divided among workers")
        part, fraction = objective.share(batch, self.part)
        return (*part, np.float32(fraction))

    def weighted(self, loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """See Workers."""
        return lambda *share: loss(*share[:-1]) * share[-1]

    def replicated(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """See Workers."""
        return lambda *share: self._strategy.run(step, share)

    def summed(
        self, gradients: list[Any], variables: list[Any], loss: Tensor, objective: Objective
    ) -> tuple[list[Any], Tensor]:
        """See Workers; sums of dense values are one message, because each message costs about a millisecond.

        The rows of a sparse objective are the same on all workers, so that their values are summed. Rows of
        large tables that differ between workers are gathered from all.
        """
        add = partial(tf.distribute.get_replica_context().all_reduce, tf.distribute.ReduceOp.SUM)
        if not objective.sparse:
            gradients = [_dense_if_small(*pair) for pair in zip(gradients, variables, strict=True)]
        gathered = [isinstance(one, tf.IndexedSlices) and not objective.sparse for one in gradients]
        dense = [_values(one) for one, apart in zip(gradients, gathered, strict=True) if not apart]
        *sums, loss = add([*dense, loss])
        following = iter(sums)
        return [
            add(gradient) if apart else _like(gradient, next(following))
            for gradient, apart in zip(gradients, gathered, strict=True)
        ], loss

    def apply(
        self, optimizer: keras.optimizers.Optimizer, gradients: list[Any], variables: list[Any]
    ) -> None:
        """Apply gradients that the optimizer must not sum up once more."""
        optimizer.apply_gradients(zip(gradients, variables, strict=True), skip_gradients_aggregation=True)

    def validated(self, validation: Validation) -> dict[str, float]:
        """See Workers; each validates on a part of the samples."""
        if validation.share is None:
            return self.from_chief(validation.metrics)
        metrics, weight = validation.share(self.part)
        sums = self._sum(tf.constant(list(metrics.values()), tf.float64) * weight)
        return dict(zip(metrics, sums.numpy().tolist(), strict=True))

    def from_chief(self, make: Callable[[], Json]) -> Json:
        """See Workers; the value is sent as JSON text."""
        text = json.dumps(make()).encode() if self.is_chief else b""
        length = int(self.array_from_chief(np.array(len(text), np.int64)))
        sent = np.frombuffer(text, np.uint8) if self.is_chief else np.zeros(length, np.uint8)
        # TensorFlow broadcasts no bytes.
        received = self.array_from_chief(sent.astype(np.int32)).astype(np.uint8)
        value: Json = json.loads(received.tobytes())
        return value

    def array_from_chief(self, array: NDArray[Any]) -> NDArray[Any]:
        """See Workers; creating a variable broadcasts its initial value."""
        with self.scope():
            values: NDArray[Any] = tf.Variable(array, trainable=False).numpy()
        return values


def agreed(state: FitState | None, step: TrainStep, workers: Workers) -> FitState | None:
    """The chief's ``state`` on all workers, which ``step`` then has as well.

    Without a state, its initial weights are those of the chief.
    """
    if workers is ALONE:
        return state
    about: Any = workers.from_chief(lambda: [list(state.history), state.best_epoch] if state else None)
    groups = [step.model.get_weights(), step.average_weights(), step.optimizer_weights()]
    weights, average, optimizer = ([workers.array_from_chief(one) for one in group] for group in groups)
    step.restore(weights, average, optimizer)
    if about is None:
        return None
    best = [workers.array_from_chief(one) for one in (state.best if state else weights)]
    return FitState(tuple(about[0]), about[1], weights, average, optimizer, best)


def _dense_if_small(gradient: Any, variable: Any) -> Any:
    if isinstance(gradient, tf.IndexedSlices) and variable.shape[0] <= _FEW_ROWS:
        return tf.convert_to_tensor(gradient)
    return gradient


def _values(gradient: Any) -> Tensor:
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def _sum(values: Tensor) -> Tensor:
    """Over all workers; called within a replica."""
    all_reduce = tf.distribute.get_replica_context().all_reduce
    return all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(values))


def _like(gradient: Any, values: Tensor) -> Any:
    """``values`` in the form of ``gradient``."""
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
    return values


__all__ = ["ALONE", "ClusterWorkers", "Workers", "agreed"]
