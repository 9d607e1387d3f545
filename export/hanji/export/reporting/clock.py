"""Seconds by stage of a build."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hanji.training.files import write_text_atomic


class Clock:
    """Seconds by stage, kept in a file: a stage that an earlier run did keeps the time it took then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seconds = _earlier_seconds(path)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block under this name."""
        start = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - start, 1)
        write_text_atomic(self._path, json.dumps(self.seconds) + "\n")


def _earlier_seconds(path: Path) -> dict[str, float]:
    try:
        seconds: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # none, or none that can be read: nothing depends on them
        return {}
    return seconds


__all__ = ["Clock"]
