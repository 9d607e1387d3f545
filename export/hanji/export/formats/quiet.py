"""Silences the converters, whose log output is of no use to the caller."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_NOISY_LOGGERS = ("tensorflow", "absl", "tf2onnx", "root")


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress warnings and log records below ERROR; exceptions still propagate."""
    loggers = [logging.getLogger(name) for name in _NOISY_LOGGERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Like ``quiet``, and also suppress what native code writes to file descriptor 2."""
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as discarded, quiet():
        os.dup2(discarded.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(original, 2)
            os.close(original)


__all__ = ["quiet", "quiet_stderr"]
