"""A source that watches a folder for image files."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from hanji.runtime.errors import HanjiError, StreamError
from hanji.runtime.images.decoding import SUFFIXES
from hanji.runtime.streams.frames import Clock, Frame, Frames, Source

_PAUSE_FACTOR = 9
"""Pause after a scan, in multiples of its duration: limits scanning to a tenth of a core."""

Version = tuple[int, int]
"""Modification time (nanoseconds) and size (bytes) of a file; a change of either means a new image."""


def folder(
    path: str | os.PathLike[str],
    *,
    existing: bool = False,
    look_every_s: float = 0.25,
    settle_s: float = 0.25,
) -> Source:
    """A folder that is scanned every ``look_every_s`` seconds for new or changed images.

    Files that are already present are reported only if ``existing``. An image is a file whose name ends in
    one of ``decoding.SUFFIXES`` and does not start with a dot; it is reported once its size and modification
    time have been stable for ``settle_s`` seconds. Slow writers should write to a temporary name, such as
    "a.jpg.part", and rename the file. Images found in the same scan are ordered by modification time.
    Subfolders are not scanned. Memory use is one name, time and size per image in the folder.
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
        self._reported: dict[str, Version] | None = {} if existing else None
        self._pending: dict[str, tuple[Version, float]] = {}

    def frames(self, clock: Clock) -> Frames:
        if self._reported is None:  # kept if the folder is lost and comes back
            self._reported = self._scan()
        while not clock.stopped:
            start = clock.now()
            for name, version in self._settled(self._scan(), start, self._reported):
                self._reported[name] = version
                yield Frame(name, version[0] / 1e9, self._path / name)
                if clock.stopped:
                    return
            yield None
            scan_s = clock.now() - start
            clock.wait(max(self._look_every_s, min(_PAUSE_FACTOR * scan_s, 10.0)))

    def _settled(
        self, found: dict[str, Version], now: float, reported: dict[str, Version]
    ) -> list[tuple[str, Version]]:
        """New files that have been stable for long enough, oldest first; forgets removed files."""
        for name in reported.keys() - found.keys():
            del reported[name]
        fresh = {
            name: version
            for name, version in found.items()
            if reported.get(name) != version and version[1] > 0
        }
        pending = {}
        for name, version in fresh.items():
            previous = self._pending.get(name)
            pending[name] = previous if previous is not None and previous[0] == version else (version, now)
        ready = [name for name, (_, since) in pending.items() if now - since >= self._settle_s]
        self._pending = {name: entry for name, entry in pending.items() if name not in ready}
        return sorted(((name, fresh[name]) for name in ready), key=lambda file: (file[1][0], file[0]))

    def _scan(self) -> dict[str, Version]:
        found = {}
        try:
            with os.scandir(self._path) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or not entry.name.lower().endswith(SUFFIXES):
                        continue
                    version = _version(entry)
                    if version is not None:
                        found[entry.name] = version
        except (OSError, ValueError) as error:  # ValueError: a path with a null byte
            reason = getattr(error, "strerror", None) or error
            raise StreamError(f"{self._path}: the folder cannot be read: {reason}") from error
        return found


def other_files(path: str | os.PathLike[str]) -> str:
    """The files in a folder that are no images and that ``folder`` ignores, such as "2 × .heic, 1 × .txt".

    Hidden files are not counted; empty for a folder that cannot be read.
    """
    try:
        with os.scandir(path) as entries:
            files = [Path(entry.name) for entry in entries if _version(entry) is not None]
    except (OSError, ValueError):
        return ""
    others = Counter(
        entry.suffix.lower() or "no extension"
        for entry in files
        if not entry.name.startswith(".") and entry.suffix.lower() not in SUFFIXES
    )
    return ", ".join(f"{count:,} × {extension}" for extension, count in others.most_common())


def _version(entry: os.DirEntry[str]) -> Version | None:
    """None if the entry is not a regular file, or was removed or renamed in the meantime.

    A link that leads nowhere, such as to itself, has its own version: it is reported when it is read, once.
    """
    try:
        if not entry.is_file():
            return None
        status = entry.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return _version_of_link(entry)
    return status.st_mtime_ns, status.st_size


def _version_of_link(entry: os.DirEntry[str]) -> Version | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
