"""Ctrl-C in long work is an ordinary end, and tells how to go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hanji.training.errors import HanjiError


@contextmanager
def resumable() -> Iterator[None]:
    """Turn Ctrl-C inside the block into an error that says what is kept."""
    try:
        yield
    except KeyboardInterrupt:
        message = "interrupted; run the same command again to go on behind the last whole epoch"
        raise HanjiError(message) from None
