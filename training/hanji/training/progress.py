"""Progress of long work, through the logger ``hanji``: quiet in Python, shown by the commands.

``show_progress`` writes the log to stderr and, on a terminal, draws a bar with the time left.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 15.0
logger = logging.getLogger("hanji")


@dataclass(frozen=True)
class EpochEnd:
    """The state of a fit after an epoch: what an ``on_epoch`` callback is given."""

    fit: str
    """Name of the fit, such as "Training history" or "Distillation"."""

    epoch: int
    """Completed epochs, counted from 1."""

    epochs: int
    loss: float
    """Mean training loss of this epoch."""

    validation: Mapping[str, float]
    best_epoch: int
    """The best epoch so far, counted from 1."""


OnEpoch = Callable[[EpochEnd], None]
"""Called after each epoch, for instance to log to TensorBoard or MLflow."""


class ProgressTask:
    """One piece of work; its steps are counted since this process began with it."""

    def __init__(self, name: str) -> None:
        self.name, self.total, self.done, self.found = name, 0, 0, ""
        self.started = self.shown = time.monotonic()

    def expect(self, total: int) -> None:
        """Set how many steps there will be in all, as far as is known now."""
        self.total = total

    def advance(self) -> None:
        """Count one step."""
        self.done += 1
        if time.monotonic() - self.shown >= SECONDS_BETWEEN_LINES:
            self.show()

    def report(self, found: str) -> None:
        """Show the newest figures beside the progress."""
        self.found = found
        self.show()

    def show(self) -> None:
        """Log one line: steps, elapsed time, time left, and the newest figures."""
        self.shown = time.monotonic()
        elapsed = self.shown - self.started
        seconds = elapsed / self.done * max(self.total - self.done, 0) if self.done else None
        left = "" if seconds is None else f", about {seconds:.0f} s left"
        figures = f"; {self.found}" if self.found else ""
        logger.info("%s: %d/%d steps, %.0f s%s%s", self.name, self.done, self.total, elapsed, left, figures)


class _Bar(ProgressTask):
    def __init__(self, name: str, bar: Progress) -> None:
        super().__init__(name)
        self.bar, self.task = bar, bar.add_task(name, total=None, found="")

    def advance(self) -> None:
        self.done += 1
        self.show()

    def show(self) -> None:
        self.bar.update(self.task, completed=self.done, total=self.total or None, found=self.found)


class _Stderr(logging.Handler):
    """Plain lines to what ``sys.stderr`` is at the time, where they do not mix with results."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")
        sys.stderr.flush()


def show_progress() -> None:
    """Show progress and messages on stderr; without it only warnings appear there."""
    if not _is_shown():
        logger.addHandler(_Stderr())
        logger.setLevel(logging.INFO)


@contextmanager
def progress(name: str) -> Iterator[ProgressTask]:
    """Report the progress of the work called ``name`` while the block runs."""
    if not (_is_shown() and sys.stderr.isatty()):
        yield ProgressTask(name)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[found]}"), console=Console(stderr=True)) as bar:
        yield _Bar(name, bar)


def _is_shown() -> bool:
    return any(isinstance(handler, _Stderr) for handler in logger.handlers)


__all__ = ["EpochEnd", "OnEpoch", "ProgressTask", "logger", "progress", "show_progress"]
