"""Suppresses TensorFlow's start-up messages.

Its C++ code writes about CPU features and missing GPUs directly to file descriptor 2, before any log level
takes effect.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hanji.training.cluster.environment import cluster_of_environment


def import_tensorflow() -> None:
    """Import TensorFlow and initialize its devices silently; on failure the suppressed output is shown.

    The devices of a cluster's worker are initialized when it joins the cluster.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet():
        import tensorflow as tf
        import tf_keras  # noqa: F401 - imported here to suppress its messages

        if cluster_of_environment() is None:
            tf.config.list_logical_devices()


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress what is written to file descriptor 2 inside the block, unless the block fails.

    An interruption is no failure.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as suppressed:
        os.dup2(suppressed.fileno(), 2)
        try:
            yield
        except Exception:
            suppressed.seek(0)
            with suppress(OSError):  # a closed or full stderr
                os.write(stderr, suppressed.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
