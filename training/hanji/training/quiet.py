"""Suppresses TensorFlow's start-up messages.

Its C++ code writes about CPU features and missing GPUs directly to file descriptor 2, before any log level
takes effect.
"""

from __future__ import annotations

import os
import sys
import tempfile


def import_tensorflow() -> None:
    """Import TensorFlow and initialize its devices silently; on failure the suppressed output is shown."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as suppressed:
        os.dup2(suppressed.fileno(), 2)
        try:
            import tensorflow as tf
            import tf_keras  # noqa: F401 - imported here to suppress its messages

            tf.config.list_logical_devices()
        except BaseException:
            suppressed.seek(0)
            os.write(stderr, suppressed.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
