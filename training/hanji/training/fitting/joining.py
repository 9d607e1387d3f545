"""How a process joins the other workers that TF_CONFIG names."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import tensorflow as tf

from hanji.training.cluster.environment import Cluster, cluster_of_environment
from hanji.training.cluster.meeting import meet
from hanji.training.errors import HanjiError, RecipeError
from hanji.training.fitting.distribution import ALONE, ClusterWorkers, Workers
from hanji.training.fitting.supervision import Part
from hanji.training.quiet import quiet


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


__all__ = ["workers_of_environment"]
