"""TensorFlow's start-up chatter, held back.

Its C++ side writes a page about CPU features and missing GPUs straight to file descriptor 2, before
any log level counts.
"""

from __future__ import annotations

import os
import sys
import tempfile


def import_tensorflow() -> None:
    """Import TensorFlow and find its devices in silence; what was held back is shown if that fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    own = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            import tensorflow as tf
            import tf_keras  # noqa: F401 - the import is the point

            tf.config.list_logical_devices()
        except BaseException:
            held_back.seek(0)
            os.write(own, held_back.read())
            raise
        finally:
            os.dup2(own, 2)
            os.close(own)
