"""The converters talk a lot; none of it is for the person who exports."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_CHATTY = ("tensorflow", "absl", "tf2onnx", "root")


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back warnings and log lines below ERROR; errors still raise."""
    loggers = [logging.getLogger(name) for name in _CHATTY]
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
def hushed() -> Iterator[None]:
    """As ``quiet``, and what C++ code writes to file descriptor 2 is held back, too; errors still raise."""
    sys.stderr.flush()
    own = os.dup(2)
    with tempfile.TemporaryFile() as held_back, quiet():
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(own, 2)
            os.close(own)


__all__ = ["hushed", "quiet"]
