"""Progress of long tasks, through the logger ``hanji``: silent by default, shown by the commands.

``show_progress`` writes the log to stderr and, on a terminal, shows a progress bar with the remaining time.
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

from hanji.runtime.terminal import print_lines
from hanji.training.interrupts import check_interrupt
from hanji.training.standard_streams import keep_standard_streams

SECONDS_BETWEEN_LINES = 15.0
logger = logging.getLogger("hanji")
_display: Progress | None = None


@dataclass(frozen=True)
class EpochEnd:
    """The state of a fit after an epoch, as passed to an ``on_epoch`` callback."""

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
    """A task with counted steps; a resumed task counts only the steps of this process."""

    def __init__(self, name: str) -> None:
        self.name, self.total, self.done, self.status = name, 0, 0, ""
        self.started = self.shown = time.monotonic()

    def expect(self, total: int) -> None:
        """Set the total number of steps, as far as it is known."""
        self.total = total

    def advance(self) -> None:
        """Count one step; KeyboardInterrupt if the run was interrupted."""
        check_interrupt()
        self.done += 1
        if time.monotonic() - self.shown >= SECONDS_BETWEEN_LINES:
            self.show()

    def report(self, status: str) -> None:
        """Show the latest status next to the progress."""
        self.status = status
        self.show()

    def show(self) -> None:
        """Log one line: steps, elapsed time, remaining time and latest status."""
        self.shown = time.monotonic()
        elapsed = self.shown - self.started
        seconds = elapsed / self.done * max(self.total - self.done, 0) if self.done else None
        left = "" if seconds is None else f", about {seconds:.0f} s left"
        status = f"; {self.status}" if self.status else ""
        logger.info("%s: %d/%d steps, %.0f s%s%s", self.name, self.done, self.total, elapsed, left, status)


class _Bar(ProgressTask):
    def __init__(self, name: str, bar: Progress) -> None:
        super().__init__(name)
        self.bar, self.task = bar, bar.add_task(name, total=None, status="")

    def advance(self) -> None:
        check_interrupt()
        self.done += 1
        self.show()

    def show(self) -> None:
        self.bar.update(self.task, completed=self.done, total=self.total or None, status=self.status)


class _Stderr(logging.Handler):
    """Writes plain lines to the current ``sys.stderr``, separate from results on stdout."""

    def emit(self, record: logging.LogRecord) -> None:
        print_lines(*self.format(record).split("\n"), to_stderr=True)


def show_progress() -> None:
    """Show progress and messages on stderr; by default only warnings appear there.

    An stderr that is closed, full or a broken pipe is no error.
    """
    keep_standard_streams()
    if not _is_shown():
        logger.addHandler(_Stderr())
        logger.setLevel(logging.INFO)
        logger.propagate = False  # converters configure the root logger, which would show each line twice


@contextmanager
def progress(name: str) -> Iterator[ProgressTask]:
    """Report the progress of the task ``name`` while the block runs, below that of an outer task."""
    global _display
    if not (_is_shown() and sys.stderr.isatty()):
        yield ProgressTask(name)
        return
    if _display:  # a terminal has room for one display; a part of a task is a line in it until it ends
        part = _Bar(name, _display)
        try:
            yield part
        finally:
            _display.remove_task(part.task)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[status]}"), console=Console(stderr=True)) as _display:
        try:
            yield _Bar(name, _display)
        finally:
            _display = None


def _is_shown() -> bool:
    return any(isinstance(handler, _Stderr) for handler in logger.handlers)


__all__ = ["EpochEnd", "OnEpoch", "ProgressTask", "logger", "progress", "show_progress"]
