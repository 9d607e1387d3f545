"""Interruption of long runs: Ctrl-C, SIGTERM or a lack of memory as an error that states how to resume."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hanji.training.errors import HanjiError


@contextmanager
def resumable() -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM or a MemoryError inside the block into an error that states how to resume.

    By default, SIGTERM would terminate Python immediately and leave its child processes running.
    """
    try:
        with _sigterm_as_ctrl_c():
            yield
    except KeyboardInterrupt:
        message = "interrupted; run the same command again to resume after the last completed epoch"
        raise HanjiError(message) from None
    except MemoryError as error:
        raise HanjiError(
            f"not enough memory{f' ({error})' if str(error) else ''}; run the same command with more memory "
            "to resume after the last completed epoch"
        ) from None


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set signal handlers
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
