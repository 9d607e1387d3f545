"""Steps that several workers compute together, with ``tf.distribute.MultiWorkerMirroredStrategy``.

All workers draw the same batches from the same seed, and each computes its part of every batch. Their
gradients, weighted by the parts' sizes, add up to that of the whole batch, so that the result is that of one
process, up to rounding. The weights are on all workers. The chief alone initializes, validates and writes.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray

from hanji.training.cluster.environment import Cluster, cluster_of_environment
from hanji.training.cluster.meeting import meet
from hanji.training.errors import HanjiError, RecipeError, WorkerLostError
from hanji.training.fitting.checkpoint import FitState
from hanji.training.fitting.supervision import Batch, Objective, Part, Tensor
from hanji.training.progress import logger
from hanji.training.quiet import quiet

if TYPE_CHECKING:
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
        """Whether this process initializes, validates and writes."""
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

    def replicated(self, step: Callable[..., None]) -> Callable[..., None]:
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

    def replicated(self, step: Callable[..., None]) -> Callable[..., None]:
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


@cache
def workers_of_environment() -> Workers:
    """The workers of the cluster in TF_CONFIG, or this process alone; joins the cluster when first called.

    RecipeError for an invalid TF_CONFIG; HanjiError if the other workers do not arrive in time, or if
    TensorFlow was used before, because it can be connected only at its start.
    """
    cluster = cluster_of_environment()
    if cluster is None:
        return ALONE
    _use_one_gpu(cluster)
    meet(cluster)
    try:
        with quiet(), _sigterm_kept():
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise HanjiError(
            f"TensorFlow cannot join the cluster in TF_CONFIG: {error}; train before anything else in the "
            "process uses TensorFlow"
        ) from None
    return ClusterWorkers(Part(cluster.index, cluster.count), strategy)


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


def _use_one_gpu(cluster: Cluster) -> None:
    """Use the n-th GPU as the n-th worker of this host; RecipeError if there are fewer."""
    gpus = tf.config.list_physical_devices("GPU")
    rank = cluster.rank_on_host
    if gpus and rank >= len(gpus):
        raise RecipeError(
            f"expected at most one worker for each GPU of a host, found {rank + 1} workers or more and "
            f"{len(gpus)} GPUs; use fewer workers, or hide the GPUs (CUDA_VISIBLE_DEVICES=-1)"
        )
    tf.config.set_visible_devices(gpus[rank : rank + 1], "GPU")


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """Restore Python's handler of SIGTERM, which TensorFlow replaces by one that does not end the process."""
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def _dense_if_small(gradient: Any, variable: Any) -> Any:
    if isinstance(gradient, tf.IndexedSlices) and variable.shape[0] <= _FEW_ROWS:
        return tf.convert_to_tensor(gradient)
    return gradient


def _values(gradient: Any) -> Tensor:
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def _like(gradient: Any, values: Tensor) -> Any:
    """``values`` in the form of ``gradient``."""
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
    return values


__all__ = ["ALONE", "ClusterWorkers", "Workers", "agreed", "workers_of_environment"]
