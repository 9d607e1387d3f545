"""Two ways to read a source, which is reopened if it is lost: the newest frame, or every frame."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from types import TracebackType
from typing import TypeVar

from hanji.runtime.errors import StreamError
from hanji.runtime.streams.frames import Clock, Event, Frame, Frames, Source, log_event

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
_BEAT_S = 1.0
"""Interval of the None values yielded while a source is lost."""
_SLICE_S = 0.25
"""Polling interval for ``stop`` while waiting for a frame."""
_SILENT_AFTER_S = 15.0
_JOIN_TIMEOUT_S = 2.0
"""How long ``close`` waits for the reading thread, which may hang in a driver."""
_MAX_EVENTS = 100

_S = TypeVar("_S", bound="Stream")


def latest(
    source: Source, *, on_event: Callable[[Event], None] = log_event, clock: Clock | None = None
) -> Latest:
    """A stream of the newest frames: a thread reads ``source`` and keeps only the last frame."""
    return Latest(source, on_event, clock or Clock())


def every(
    source: Source, *, on_event: Callable[[Event], None] = log_event, clock: Clock | None = None
) -> Every:
    """A stream of all frames of ``source``, read on demand."""
    return Every(source, on_event, clock or Clock())


class Stream(ABC):
    """An iterable of a source's frames, for use in a ``with`` statement and by a single thread.

    Events (the source was lost, is back, or is silent) are passed to ``on_event``, and StreamErrors raised,
    in the thread that reads the stream.
    """

    dropped: int = 0
    """Number of frames that were replaced by a newer one before they were read."""
    answered: bool = False
    """Whether the source has been opened and has yielded something, be it None."""

    def __init__(self, source: Source, on_event: Callable[[Event], None], clock: Clock) -> None:
        self.source = source
        self._on_event = on_event
        self._clock = clock

    @abstractmethod
    def read(self, timeout_s: float = 1.0) -> Frame | None:
        """Return the next frame, or None after about ``timeout_s`` or if the stream has ended."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether the stream has ended."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether the source responds, with or without new frames. False if it hangs."""

    @abstractmethod
    def close(self) -> None:
        """Stop and release the source."""

    def stop(self) -> None:
        """End the iteration soon. Can be called from a signal handler or another thread."""
        self._clock.stop()

    def __iter__(self) -> Iterator[Frame]:
        while not self.ended:
            frame = self.read()
            if frame is not None:
                yield frame

    def __enter__(self: _S) -> _S:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Every(Stream):
    """See ``every``. ``read`` blocks until the source yields."""

    alive = True

    def __init__(self, source: Source, on_event: Callable[[Event], None], clock: Clock) -> None:
        super().__init__(source, on_event, clock)
        self._frames = retried(source, clock, on_event)
        self._ended = False

    def read(self, timeout_s: float = 1.0) -> Frame | None:
        self._ended = True  # reset below; stays True after an error
        for frame in self._frames:
            self._ended, self.answered = False, True
            return frame
        return None

    @property
    def ended(self) -> bool:
        return self._ended or self._clock.stopped

    def close(self) -> None:
        self.stop()
        self._frames.close()


class Latest(Stream):
    """See ``latest``. The thread starts with the first ``read`` or with the ``with`` statement."""

    def __init__(self, source: Source, on_event: Callable[[Event], None], clock: Clock) -> None:
        super().__init__(source, on_event, clock)
        self._changed = threading.Condition()  # guards the attributes below
        self._frame: Frame | None = None
        self._events: deque[Event] = deque(maxlen=_MAX_EVENTS)
        self._failure: Exception | None = None
        self._done = False
        self._last_activity = clock.now()
        self._silence_reported = False
        # A daemon, because a thread that hangs in a camera driver must not block the process from exiting.
        self._thread = threading.Thread(target=self._keep_reading, name=source.name, daemon=True)

    def __enter__(self) -> Latest:
        self._start()
        return self

    def read(self, timeout_s: float = 1.0) -> Frame | None:
        self._start()
        end = time.monotonic() + timeout_s
        with self._changed:
            while not (self._frame or self._events or self._done or self._clock.stopped):
                remaining = end - time.monotonic()
                if remaining <= 0:
                    break
                self._changed.wait(min(remaining, _SLICE_S))
            frame, self._frame = self._frame, None
            events = [*self._events, *self._silence_events()]
            self._events.clear()
            failure = self._failure if frame is None else None
        for event in events:
            self._on_event(event)
        if failure is not None:
            self._failure = None
            raise failure
        return frame

    @property
    def ended(self) -> bool:
        if self._clock.stopped:
            return True
        with self._changed:
            return self._done and self._frame is None and self._failure is None and not self._events

    @property
    def alive(self) -> bool:
        return self._done or self._clock.now() - self._last_activity < _SILENT_AFTER_S

    def close(self) -> None:
        self.stop()
        if self._thread.is_alive():
            self._thread.join(_JOIN_TIMEOUT_S)

    def _start(self) -> None:
        if self._thread.ident is None:
            self._last_activity = self._clock.now()
            self._thread.start()

    def _silence_events(self) -> list[Event]:
        if self.alive:
            self._silence_reported = False
        elif not self._silence_reported:
            self._silence_reported = True
            detail = f"no response for {_SILENT_AFTER_S:g} s; still waiting"
            return [Event("silent", self.source.name, detail)]
        return []

    def _keep_reading(self) -> None:
        failure: Exception | None = None
        frames = retried(self.source, self._clock, self._put_event)
        try:
            for frame in frames:
                self._put(frame)
                if self._clock.stopped:
                    break
            frames.close()
        except Exception as error:  # noqa: BLE001 - raised again by read()
            failure = error
        with self._changed:
            self._failure, self._done = failure, True
            self._changed.notify()

    def _put(self, frame: Frame | None) -> None:
        with self._changed:
            self._last_activity = self._clock.now()
            self.answered = True
            if frame is None:
                return
            if self._frame is not None:
                self.dropped += 1
            self._frame = frame
            self._changed.notify()

    def _put_event(self, event: Event) -> None:
        with self._changed:
            self._last_activity = self._clock.now()
            self._events.append(event)
            self._changed.notify()


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
