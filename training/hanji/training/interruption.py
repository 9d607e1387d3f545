"""Ctrl-C in long work is an ordinary end, and tells how to go on; so is SIGTERM, by which services end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hanji.training.errors import HanjiError


@contextmanager
def resumable() -> Iterator[None]:
    """Turn Ctrl-C or SIGTERM inside the block into an error that says what is kept.

    SIGTERM alone would end Python at once, and leave the processes that it began to themselves.
    """
    try:
        with _sigterm_as_ctrl_c():
            yield
    except KeyboardInterrupt:
        message = "interrupted; run the same command again to go on behind the last whole epoch"
        raise HanjiError(message) from None


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # no other may decide about signals
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
