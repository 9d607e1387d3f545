"""Reads a source, reopening it with exponential backoff if it is lost."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

from hanji.runtime.errors import StreamError
from hanji.runtime.streams.frames import Clock, Event, Frames, Source

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
_BEAT_S = 1.0
"""Interval of the None values yielded while a source is lost."""


def retried(source: Source, clock: Clock, report: Callable[[Event], None]) -> Frames:
    """Yield the frames of ``source``, and None while there are none; a lost source is reported and reopened.

    The pause before each attempt doubles from ``FIRST_PAUSE_S`` to ``LONGEST_PAUSE_S`` seconds, and is reset
    once a source has worked for longer than the latter. StreamError if the source cannot be opened the first
    time, for example because of a mistyped name, or if it cannot come back.
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
        yield from _wait(clock, pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _wait(clock: Clock, seconds: float) -> Generator[None, None, None]:
    end = clock.now() + seconds
    while not clock.stopped and (remaining := end - clock.now()) > 0:
        clock.wait(min(remaining, _BEAT_S))
        yield None


__all__ = ["FIRST_PAUSE_S", "LONGEST_PAUSE_S", "retried"]
