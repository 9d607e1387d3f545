"""Ctrl-C and SIGTERM as a flag, so that none is lost.

The first one raises KeyboardInterrupt, which ends most code at once. Libraries swallow it at times, or turn
it into another error; therefore it is a flag as well, which every stage checks before it goes on and before
it publishes a result. The second one ends the process as if nothing had been set.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _State:
    """Whether this process notes signals, and whether one arrived."""

    noting = False
    received = False


@contextmanager
def noted_interrupts() -> Iterator[None]:
    """Note Ctrl-C and SIGTERM while the block runs; does nothing in other threads than the main one.

    By default, SIGTERM would terminate Python immediately and leave its child processes running.
    """
    if _State.noting or threading.current_thread() is not threading.main_thread():
        yield
        return
    _State.noting, _State.received = True, False
    before = {number: signal.signal(number, _note) for number in _SIGNALS}
    hook, sys.unraisablehook = sys.unraisablehook, _without_interrupts
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
        _State.noting = False


def is_interrupted() -> bool:
    """Whether Ctrl-C or SIGTERM arrived in the current block of ``noted_interrupts``."""
    return _State.noting and _State.received


def check_interrupt() -> None:
    """KeyboardInterrupt if one arrived, even if a library has swallowed it."""
    if is_interrupted():
        raise KeyboardInterrupt


def _note(number: int, frame: FrameType | None) -> None:
    if _State.received:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    _State.received = True
    raise KeyboardInterrupt


def _without_interrupts(unraisable: UnraisableHookArgs) -> None:
    """Print errors that nothing can catch, except for an interrupt, which is checked later."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)


__all__ = ["check_interrupt", "is_interrupted", "noted_interrupts"]
