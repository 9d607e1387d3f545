"""A large file that is verified and then memory-mapped, by an engine or as a table, without a copy in Python.

Pages are loaded on demand, can be evicted, and are shared by processes. The file that is mapped is the one
that was hashed, by its open descriptor, even if another one is at its path by now. A change in place raises
ChecksumError until the engine has loaded the file. Later, truncation is detected when a call begins (during
one it ends the process by SIGBUS), and other changes are not: deploy a new directory instead.
"""

from __future__ import annotations

import builtins
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hanji.runtime.errors import ChecksumError

if TYPE_CHECKING:
    from mmap import mmap

_OPEN_FILES = "/proc/self/fd"
_MAPPINGS = "/proc/self/maps"
_CHUNK_BYTES = 2**20
_READ_SPARSELY = (15, 4)
"""Linux's MADV_NOHUGEPAGE, without which a row may load 2 MiB, and MADV_DONTNEED."""

_T = TypeVar("_T")


def can_be_mapped() -> bool:
    """Whether an open file can be reopened by its descriptor, through /proc/self/fd as on Linux."""
    return Path(_OPEN_FILES).is_dir()


class MappedFile:
    """An open file. The descriptor is closed when this object is garbage-collected."""

    def __init__(self, location: Path) -> None:
        """Open the file; OSError if that fails."""
        self._descriptor = -1
        self._location = location
        self._descriptor = os.open(location, os.O_RDONLY | os.O_CLOEXEC)
        self._state = self._state_now()

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    @property
    def bytes(self) -> int:
        """The size of the file when it was opened."""
        return self._state[0]

    @property
    def path(self) -> str:
        """A path that refers to this open file, valid as long as this object exists."""
        return f"{_OPEN_FILES}/{self._descriptor}"

    def sha256(self) -> str:
        """SHA-256 of the content in hex. Reads instead of mapping, so that truncation cannot cause SIGBUS."""
        digest = hashlib.sha256()
        offset = 0
        while chunk := os.pread(self._descriptor, min(_CHUNK_BYTES, self.bytes - offset), offset):
            digest.update(chunk)
            offset += len(chunk)
        return digest.hexdigest()

    def read(self, start: int, end: int) -> builtins.bytes:
        """The bytes of the file from ``start`` to ``end``."""
        return os.pread(self._descriptor, end - start, start)

    def loaded(self, load: Callable[[str], _T]) -> _T:
        """Call ``load`` with the file's path; ChecksumError if the file was changed before or during loading.

        Checked before, because engines may crash on damaged files, and after, because loading takes time.
        """
        self.check()
        result = load(self.path)
        self.check()
        return result

    def mapped(self) -> mmap:
        """The content as memory, valid without this object; ChecksumError if the file was changed before."""
        from mmap import ACCESS_READ, mmap  # deferred: small bundles map nothing

        self.check()
        return mmap(self._descriptor, self.bytes, access=ACCESS_READ)

    def release(self) -> None:
        """Return the loaded pages of read-only mappings of this file to the system.

        For readers that have gone through the whole file once, an engine to copy its weights or a table to
        check itself, and read single rows from now on, which the system loads again.
        """
        import ctypes  # deferred: small bundles map nothing

        madvise = ctypes.CDLL(None).madvise
        location = str(Path(self.path).readlink())
        with Path(_MAPPINGS).open(encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                addresses, permissions, *_, path = line.rstrip("\n").split(maxsplit=5)
                if path == location and "w" not in permissions:
                    start, end = (int(address, 16) for address in addresses.split("-"))
                    for advice in _READ_SPARSELY:
                        madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), advice)

    def check(self) -> None:
        """Raise ChecksumError if the file was modified since it was opened."""
        if self._state_now() != self._state:
            raise ChecksumError(
                f"{self._location}: the file was changed while it was being loaded; copy or export the "
                "bundle to a new directory instead of overwriting this one"
            )

    def check_size(self) -> None:
        """Raise ChecksumError if the file was truncated, whose mapped pages would end the process."""
        if os.fstat(self._descriptor).st_size < self.bytes:
            raise ChecksumError(
                f"{self._location}: the file was truncated while in use; copy or export the bundle to a new "
                "directory instead of overwriting this one"
            )

    def _state_now(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns
