"""A folder into which somebody puts pictures."""

from __future__ import annotations

import os
from pathlib import Path

from hanji.runtime.errors import HanjiError, StreamError
from hanji.runtime.streams.frames import Clock, Frame, Frames, Source

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
_IDLE_SHARE = 9
"""Waits at least so many times as long as a look took: a huge folder takes a tenth of a core, no more."""

Mark = tuple[int, int]
"""When a file was changed (nanoseconds) and its size (bytes): a file with another mark is another picture."""


def folder(
    path: str | os.PathLike[str],
    *,
    existing: bool = False,
    look_every_s: float = 0.25,
    settle_s: float = 0.25,
) -> Source:
    """A folder that is looked through every ``look_every_s`` seconds for pictures that are new or changed.

    What lies in it already counts only if ``existing``. A picture is a file whose name ends in one of
    ``SUFFIXES`` and does not begin with a dot; it comes when its size and its time have stayed the same for
    ``settle_s`` seconds. Whoever writes slowly does best to write under another name, such as "a.jpg.part",
    and to rename. Several that come at once come in the order of their times. Folders inside are not looked
    into. What is remembered is a name, a time and a size for each picture that lies in the folder.
    """
    if look_every_s <= 0 or settle_s < 0:
        raise HanjiError(
            "folder: expected look_every_s above 0 and settle_s of 0 or more, "
            f"found {look_every_s} and {settle_s}"
        )
    return Folder(Path(path), existing, look_every_s, settle_s)


class Folder:
    comes_back = True

    def __init__(self, path: Path, existing: bool, look_every_s: float, settle_s: float) -> None:
        self.name = str(path)
        self._path = path
        self._look_every_s = look_every_s
        self._settle_s = settle_s
        self._handed_out: dict[str, Mark] | None = {} if existing else None
        self._waiting: dict[str, tuple[Mark, float]] = {}

    def frames(self, clock: Clock) -> Frames:
        if self._handed_out is None:  # kept when the folder is lost and comes back
            self._handed_out = self._look()
        while not clock.stopped:
            began = clock.now()
            for name, mark in self._settled(self._look(), began, self._handed_out):
                self._handed_out[name] = mark
                yield Frame(name, mark[0] / 1e9, self._path / name)
                if clock.stopped:
                    return
            yield None
            looked_s = clock.now() - began
            clock.wait(max(self._look_every_s, min(_IDLE_SHARE * looked_s, 10.0)))

    def _settled(
        self, found: dict[str, Mark], now: float, handed_out: dict[str, Mark]
    ) -> list[tuple[str, Mark]]:
        """What is new and has stayed the same for long enough, oldest first; forgets what is gone."""
        for name in handed_out.keys() - found.keys():
            del handed_out[name]
        fresh = {name: mark for name, mark in found.items() if handed_out.get(name) != mark and mark[1] > 0}
        waiting = {}
        for name, mark in fresh.items():
            before = self._waiting.get(name)
            waiting[name] = before if before is not None and before[0] == mark else (mark, now)
        ready = [name for name, (_, since) in waiting.items() if now - since >= self._settle_s]
        self._waiting = {name: seen for name, seen in waiting.items() if name not in ready}
        return sorted(((name, fresh[name]) for name in ready), key=lambda one: (one[1][0], one[0]))

    def _look(self) -> dict[str, Mark]:
        found = {}
        try:
            with os.scandir(self._path) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or not entry.name.lower().endswith(SUFFIXES):
                        continue
                    mark = _mark(entry)
                    if mark is not None:
                        found[entry.name] = mark
        except OSError as error:
            reason = error.strerror or str(error)
            raise StreamError(f"{self._path}: the folder cannot be read: {reason}") from error
        return found


def _mark(entry: os.DirEntry[str]) -> Mark | None:
    """None for what is no plain file, or was removed or renamed just now."""
    try:
        if not entry.is_file():
            return None
        status = entry.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size


__all__ = ["SUFFIXES", "Folder", "folder"]
