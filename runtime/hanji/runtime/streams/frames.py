"""Basic types of streams: frames, sources, events, and a clock with interruptible waiting."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from hanji.runtime.errors import HanjiError

if TYPE_CHECKING:
    from hanji.runtime.classifier import ImageSource

_SLICE_S = 0.1
"""Polling interval for ``stop`` while waiting."""


@dataclass(frozen=True)
class Frame:
    """One image of a stream."""

    name: str
    """An identifier: "camera 0 #12", "film.mp4 #40", or a file name."""
    time_s: float
    """Timestamp in seconds: Unix time for a camera or a file, the position in a video."""
    image: ImageSource
    """Input for ``Classifier.classify``: RGB pixels, uint8 [height, width, 3], or a path."""


@dataclass(frozen=True)
class Event:
    """A change in the state of a stream."""

    kind: Literal["lost", "back", "silent"]
    """Lost and to be reopened; back; or silent, that is, neither delivering frames nor failing."""
    source: str
    detail: str
    """A one-line description."""
    again_in_s: float | None = None
    """Seconds until the next attempt, if the source is lost."""


Frames: TypeAlias = "Generator[Frame | None, None, None]"
"""Yields a frame, or None if there is nothing new."""


class Clock:
    """Time and interruptible waiting.

    ``stop`` only sets an attribute and takes no lock, so that it can be called from a signal handler.
    """

    def __init__(self) -> None:
        self.stopped = False

    def now(self) -> float:
        """Monotonic time in seconds."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait for ``seconds``, or until shortly after ``stop``."""
        end = time.monotonic() + seconds
        while not self.stopped and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_S))

    def stop(self) -> None:
        self.stopped = True


class Source(Protocol):
    """A source of frames."""

    @property
    def name(self) -> str: ...

    @property
    def comes_back(self) -> bool:
        """Whether to retry after a StreamError: a camera may be plugged in again."""
        ...

    def frames(self, clock: Clock) -> Frames:
        """Open the source, yield frames, and release it at the end, even if the generator is closed early.

        Regularly yields None while there are no frames, so that the caller regains control; ends shortly
        after ``clock.stopped``. Raises StreamError if the source cannot be opened or is lost, and other
        HanjiErrors for permanent failures.
        """
        ...


def log_event(event: Event) -> None:
    """Log a warning to ``hanji.runtime.streams``, by default written to stderr."""
    retry = "" if event.again_in_s is None else f"; trying again in {event.again_in_s:g} s"
    logging.getLogger("hanji.runtime.streams").warning("%s: %s%s", event.source, event.detail, retry)


def imported(module: str, remedy: str) -> Any:
    """Import an optional module; HanjiError with the ``remedy`` if it is missing or broken."""
    try:
        return importlib.import_module(module)
    except (ImportError, ValueError, AttributeError, RuntimeError, OSError) as error:
        # Not only ImportError: a module built for another numpy or system library raises the others.
        raise HanjiError(f"{module} cannot be imported: {error}; try: {remedy}") from error
