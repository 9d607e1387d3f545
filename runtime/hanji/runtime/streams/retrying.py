"""Reads a source that may be lost and come back."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

from hanji.runtime.errors import StreamError
from hanji.runtime.streams.frames import Clock, Event, Frames, Source

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
_BEAT_S = 1.0
"""While a source is lost, a None comes at least so often."""


def retried(source: Source, clock: Clock, report: Callable[[Event], None]) -> Frames:
    """The frames of ``source``, and None now and then; what is lost is reported and opened again.

    The pause before a try doubles from ``FIRST_PAUSE_S`` to ``LONGEST_PAUSE_S`` seconds, and is short again
    once a source has held out longer than the longest. StreamError if it cannot be opened the first time, so
    that nobody is left waiting for what is mistyped, and for one that does not come back by its nature.
    """
    pause_s, lost, ever_open = FIRST_PAUSE_S, False, False
    while not clock.stopped:
        opened_at = clock.now()
        try:
            with closing(source.frames(clock)) as frames:
                for frame in frames:
                    if lost:
                        report(Event("back", source.name, "is back"))
                    lost, ever_open = False, True
                    yield frame
            return
        except StreamError as error:
            if not (source.comes_back and ever_open):
                raise
            reason = str(error).removeprefix(f"{source.name}: ")
        if clock.now() - opened_at > LONGEST_PAUSE_S:
            pause_s = FIRST_PAUSE_S
        lost = True
        report(Event("lost", source.name, reason, pause_s))
        yield from _waited(clock, pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _waited(clock: Clock, seconds: float) -> Generator[None, None, None]:
    end = clock.now() + seconds
    while not clock.stopped and (left := end - clock.now()) > 0:
        clock.wait(min(left, _BEAT_S))
        yield None


__all__ = ["FIRST_PAUSE_S", "LONGEST_PAUSE_S", "retried"]
