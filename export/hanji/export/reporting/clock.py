"""Wall-clock seconds per stage of a build."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hanji.training.files import write_text_atomic


class Clock:
    """Seconds per stage, stored in a file so that a stage reused from an earlier run keeps its time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seconds = _earlier_seconds(path)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block and record it under ``name``."""
        start = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - start, 1)
        write_text_atomic(self._path, json.dumps(self.seconds) + "\n")


def _earlier_seconds(path: Path) -> dict[str, float]:
    try:
        seconds: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # missing or damaged: the times are informational only
        return {}
    return seconds


__all__ = ["Clock"]
