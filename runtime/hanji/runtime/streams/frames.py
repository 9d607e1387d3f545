"""What streams are made of: frames, sources, events, and a clock whose waiting can be cut short."""

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
"""How soon whoever waits notices that it is to stop."""


@dataclass(frozen=True)
class Frame:
    """One picture of a stream."""

    name: str
    """Which one it is: "camera 0 #12", "film.mp4 #40", or the name of a file."""
    time_s: float
    """When it was taken, in seconds: since 1970 for a camera and a file, since its beginning for a video."""
    image: ImageSource
    """What ``Classifier.classify`` takes: pixels, uint8 [height, width, 3] red, green, blue, or a path."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a stream, other than a frame."""

    kind: Literal["lost", "back", "silent"]
    """Lost and to be tried again; back again; or silent: it is waited for, and neither answers nor fails."""
    source: str
    detail: str
    """What happened, in one line."""
    again_in_s: float | None = None
    """If it is lost, when it is tried again."""


Frames: TypeAlias = "Generator[Frame | None, None, None]"
"""What a source yields: a frame, or None where there is nothing new."""


class Clock:
    """The time, and waiting that ends when ``stop`` was called.

    ``stop`` sets a plain attribute and takes no lock: a signal handler may call it.
    """

    def __init__(self) -> None:
        self.stopped = False

    def now(self) -> float:
        """Seconds since some moment; they never go backwards."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or soon after ``stop``."""
        end = time.monotonic() + seconds
        while not self.stopped and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_S))

    def stop(self) -> None:
        self.stopped = True


class Source(Protocol):
    """Where frames come from."""

    @property
    def name(self) -> str: ...

    @property
    def comes_back(self) -> bool:
        """Whether it is worth to try again after a StreamError: a camera may be plugged in again."""
        ...

    def frames(self, clock: Clock) -> Frames:
        """Open it, yield what comes, and let go of it in the end, also if the generator is closed early.

        Yields None now and then where nothing comes, so that whoever reads can do something else; ends soon
        after ``clock.stopped``. Raises StreamError if it cannot be opened or is lost, other HanjiErrors for
        what no second try would mend.
        """
        ...


def log_event(event: Event) -> None:
    """Log a warning as ``hanji.runtime.streams``: it lands on stderr unless logging is set up otherwise."""
    again = "" if event.again_in_s is None else f"; trying again in {event.again_in_s:g} s"
    logging.getLogger("hanji.runtime.streams").warning("%s: %s%s", event.source, event.detail, again)


def imported(module: str, remedy: str) -> Any:
    """An optional module; HanjiError with the ``remedy`` if it is missing or broken."""
    try:
        return importlib.import_module(module)
    except (ImportError, ValueError, AttributeError, RuntimeError, OSError) as error:
        # Besides ImportError, what a module made for another numpy or another system library raises.
        raise HanjiError(f"{module} cannot be imported: {error}; try: {remedy}") from error


__all__ = ["Clock", "Event", "Frame", "Frames", "Source", "imported", "log_event"]
