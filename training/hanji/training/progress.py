"""How long work shows itself: a bar with time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 15.0


class Task:
    """One piece of work; its steps are counted since this process began with it."""

    def __init__(self, name: str) -> None:
        self.name, self.total, self.done, self.found = name, 0, 0, ""
        self.started = self.printed = time.monotonic()

    def expect(self, total: int) -> None:
        """So many steps it will be in all, as far as is known now."""
        self.total = total

    def advance(self) -> None:
        """One step more is done."""
        self.done += 1
        if time.monotonic() - self.printed >= SECONDS_BETWEEN_LINES:
            self.show()

    def report(self, found: str) -> None:
        """Show the newest figures beside the progress."""
        self.found = found
        self.show()

    def show(self) -> None:
        """One line: how far, how long, how long yet, and the newest figures."""
        self.printed = time.monotonic()
        elapsed = self.printed - self.started
        seconds = elapsed / self.done * max(self.total - self.done, 0) if self.done else None
        left = "" if seconds is None else f", about {seconds:.0f} s left"
        figures = f"; {self.found}" if self.found else ""
        tell(f"{self.name}: {self.done}/{self.total} steps, {elapsed:.0f} s{left}{figures}")


class _Bar(Task):
    def __init__(self, name: str, bar: Progress) -> None:
        super().__init__(name)
        self.bar, self.task = bar, bar.add_task(name, total=None, found="")

    def advance(self) -> None:
        self.done += 1
        self.show()

    def show(self) -> None:
        self.bar.update(self.task, completed=self.done, total=self.total or None, found=self.found)


@contextmanager
def progress(name: str) -> Iterator[Task]:
    """Show the work called ``name`` on stderr while the block runs."""
    if not sys.stderr.isatty():
        yield Task(name)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[found]}"), console=Console(stderr=True)) as bar:
        yield _Bar(name, bar)


def tell(text: str) -> None:
    """One plain line about the work, on stderr, where it does not mix with results."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
