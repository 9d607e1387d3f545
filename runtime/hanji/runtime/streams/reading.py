"""Two ways to read a source: always the newest frame, or every one."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TypeVar

from hanji.runtime.streams.frames import Clock, Event, Frame, Source, log_event
from hanji.runtime.streams.retrying import retried

_SLICE_S = 0.25
"""How soon whoever waits for a frame looks whether it is to stop."""
_SILENT_AFTER_S = 15.0
_GOODBYE_S = 2.0
"""So long a stop waits for the reading thread; one that hangs in a driver ends with the process."""
_EVENTS = 100

_S = TypeVar("_S", bound="Stream")


def latest(
    source: Source, *, on_event: Callable[[Event], None] = log_event, clock: Clock | None = None
) -> Latest:
    """A stream of the newest frames: a thread reads ``source`` and keeps one, which the next replaces."""
    return Latest(source, on_event, clock or Clock())


def every(
    source: Source, *, on_event: Callable[[Event], None] = log_event, clock: Clock | None = None
) -> Every:
    """A stream of all frames of ``source``, each read when it is asked for."""
    return Every(source, on_event, clock or Clock())


class Stream(ABC):
    """Frames of a source, to be iterated over in a ``with`` statement; one stream belongs to one thread.

    ``on_event`` is called in the thread that reads frames here: a source was lost, is back, or is silent. A
    StreamError is raised where the frames are asked for.
    """

    dropped: int = 0
    """Frames that were read and replaced by a newer one before anybody asked."""
    answered: bool = False
    """Whether the source could be opened and has said something, if only that there is nothing new."""

    def __init__(self, source: Source, on_event: Callable[[Event], None], clock: Clock) -> None:
        self.source = source
        self._on_event = on_event
        self._clock = clock

    @abstractmethod
    def read(self, timeout_s: float = 1.0) -> Frame | None:
        """The next frame, or None if there is none yet: after about ``timeout_s``, or when it has ended."""

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether there will be no more frames."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether the source answers; it may have nothing to show. False if it hangs."""

    @abstractmethod
    def close(self) -> None:
        """Stop and let go of the source."""

    def stop(self) -> None:
        """End the iteration soon. May be called from a signal handler or another thread."""
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
    """See ``every``. A ``read`` takes as long as the source needs to say something."""

    alive = True

    def __init__(self, source: Source, on_event: Callable[[Event], None], clock: Clock) -> None:
        super().__init__(source, on_event, clock)
        self._frames = retried(source, clock, on_event)
        self._ended = False

    def read(self, timeout_s: float = 1.0) -> Frame | None:
        self._ended = True  # unless something comes: an error ends it, too
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
    """See ``latest``. The thread begins with the first ``read`` or with the ``with`` statement."""

    def __init__(self, source: Source, on_event: Callable[[Event], None], clock: Clock) -> None:
        super().__init__(source, on_event, clock)
        self._changed = threading.Condition()  # guards all below
        self._frame: Frame | None = None
        self._events: deque[Event] = deque(maxlen=_EVENTS)
        self._failure: Exception | None = None
        self._done = False
        self._heard_at = clock.now()
        self._told_silence = False
        # A daemon: a thread that hangs in a camera's driver must not keep the process from ending.
        self._thread = threading.Thread(target=self._keep_reading, name=source.name, daemon=True)

    def __enter__(self) -> Latest:
        self._start()
        return self

    def read(self, timeout_s: float = 1.0) -> Frame | None:
        self._start()
        end = time.monotonic() + timeout_s
        with self._changed:
            while not (self._frame or self._events or self._done or self._clock.stopped):
                left = end - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(min(left, _SLICE_S))
            frame, self._frame = self._frame, None
            events = [*self._events, *self._new_silence()]
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
        return self._done or self._clock.now() - self._heard_at < _SILENT_AFTER_S

    def close(self) -> None:
        self.stop()
        if self._thread.is_alive():
            self._thread.join(_GOODBYE_S)

    def _start(self) -> None:
        if self._thread.ident is None:
            self._heard_at = self._clock.now()
            self._thread.start()

    def _new_silence(self) -> list[Event]:
        if self.alive:
            self._told_silence = False
        elif not self._told_silence:
            self._told_silence = True
            detail = f"has not answered for {_SILENT_AFTER_S:g} s; it is waited for"
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
        except Exception as error:  # noqa: BLE001 - it is raised again, where the frames are asked for
            failure = error
        with self._changed:
            self._failure, self._done = failure, True
            self._changed.notify()

    def _put(self, frame: Frame | None) -> None:
        with self._changed:
            self._heard_at = self._clock.now()
            self.answered = True
            if frame is None:
                return
            if self._frame is not None:
                self.dropped += 1
            self._frame = frame
            self._changed.notify()

    def _put_event(self, event: Event) -> None:
        with self._changed:
            self._heard_at = self._clock.now()
            self._events.append(event)
            self._changed.notify()


__all__ = ["Every", "Latest", "Stream", "every", "latest"]
