"""A large file that is verified and then mapped into memory by an engine, never copied into Python's.

Pages of a mapped file are read when they are needed, may be dropped when memory runs short, and are shared by
all processes that map the same file.

What is guaranteed: the file that was hashed is the file that the engine opens, whatever has been put at its
path since, moved or deleted there, because both go through one open descriptor. A change in place (seen by
its size and by the time that every write sets) is a ChecksumError if it comes before the engine has loaded
the file. A change in place after that is not noticed: the engine may then answer from changed weights, or
the process end with SIGBUS where the file was cut. So a bundle that is in use is replaced by another
directory, never written over; files too small to be mapped are read once and are safe from that, too.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hanji.runtime.errors import ChecksumError

_OPEN_FILES = "/proc/self/fd"
_PIECE_BYTES = 2**20

_T = TypeVar("_T")


def can_be_mapped() -> bool:
    """Whether this system lets an engine open a file again by its descriptor, as Linux does."""
    return Path(_OPEN_FILES).is_dir()


class MappedFile:
    """A file held open. The descriptor is closed with the last reference to this object."""

    def __init__(self, location: Path) -> None:
        """OSError if it cannot be opened."""
        self._descriptor = -1
        self._location = location
        self._descriptor = os.open(location, os.O_RDONLY | os.O_CLOEXEC)
        self._state = self._state_now()

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    @property
    def bytes(self) -> int:
        """Its size when it was opened."""
        return self._state[0]

    @property
    def path(self) -> str:
        """A path that leads to this open file and to no other, as long as this object lives."""
        return f"{_OPEN_FILES}/{self._descriptor}"

    def sha256(self) -> str:
        """The hash of its content in hex. It is read, not mapped: a file cut meanwhile is no crash."""
        digest = hashlib.sha256()
        offset = 0
        while piece := os.pread(self._descriptor, min(_PIECE_BYTES, self.bytes - offset), offset):
            digest.update(piece)
            offset += len(piece)
        return digest.hexdigest()

    def loaded(self, load: Callable[[str], _T]) -> _T:
        """What ``load`` makes of the file's path; ChecksumError if it was written to before or meanwhile.

        Before, for engines crash on broken files; and after, for it is read meanwhile.
        """
        self.check()
        made = load(self.path)
        self.check()
        return made

    def check(self) -> None:
        """ChecksumError if the file has been written to since it was opened."""
        if self._state_now() != self._state:
            raise ChecksumError(
                f"{self._location}: the file was changed while it was loaded; copy or export the bundle "
                "again, beside the old one and not over it"
            )

    def _state_now(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns


__all__ = ["MappedFile", "can_be_mapped"]
