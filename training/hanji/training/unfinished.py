"""Unfinished files and directories: locked by their process, removed by the next one if it was killed.

Each has a name that only hanji gives and a lock. Whatever has such a name and no lock is a leftover. File
systems without locks on directories (NFS) keep leftovers, because nothing tells them from work in progress.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hanji.training.errors import HanjiError
from hanji.training.file_locks import is_at, locked

_NAME = re.compile(r"\..+\.hanji-[0-9a-f]{8}")
_NO_LINKS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@contextmanager
def unfinished_directory(target: Path, *, mode: int = 0o777) -> Iterator[Path]:
    """Yield a new directory beside ``target``, of another name, which is removed at the end of the block.

    ``mode`` are its permissions, of which the umask is subtracted. Raises OSError if it cannot be made.
    """

    def make(path: Path) -> int:
        path.mkdir(mode)
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | _NO_LINKS)

    with _held(target, make) as path:
        yield path


@contextmanager
def unfinished_file(target: Path) -> Iterator[Path]:
    """The same for an empty file."""

    def make(path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o666)

    with _held(target, make) as path:
        yield path


@contextmanager
def own_temporary_files() -> Iterator[None]:
    """Keep all temporary files of this process and its children in one directory while the block runs.

    Libraries make temporary files, too; those of a killed process are removed by the next one that calls
    this. Raises HanjiError if there is no directory for temporary files.
    """
    try:
        shared = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise HanjiError(
            f"no directory for temporary files: {error.strerror}; set TMPDIR to one that can be written"
        ) from None
    remove_leftovers(shared)
    variable, chosen = os.environ.get("TMPDIR"), tempfile.tempdir
    with unfinished_directory(shared / "hanji", mode=0o700) as directory:
        os.environ["TMPDIR"] = tempfile.tempdir = str(directory)
        try:
            yield
        finally:
            tempfile.tempdir = chosen
            os.environ.pop("TMPDIR")
            if variable is not None:
                os.environ["TMPDIR"] = variable


def remove_leftovers(directory: Path, name: str = "") -> None:
    """Remove the unfinished files and directories of killed processes in ``directory``, not below it.

    With ``name``, only those that would have become the file or directory of this name.
    """
    start = f".{name}.hanji-" if name else "."
    with suppress(OSError):
        for path in directory.iterdir():
            if path.name.startswith(start) and _NAME.fullmatch(path.name) and _is_abandoned(path):
                _remove(path)


@contextmanager
def _held(target: Path, make: Callable[[Path], int]) -> Iterator[Path]:
    path, descriptor = _made(target, make)
    try:
        yield path
    finally:
        _remove(path)
        os.close(descriptor)


def _made(target: Path, make: Callable[[Path], int]) -> tuple[Path, int]:
    """A path and its open and locked file; the few that another process takes for leftovers are given up."""
    while True:
        path = target.with_name(f".{target.name}.hanji-{secrets.token_hex(4)}")
        try:
            descriptor = make(path)
        except FileNotFoundError:
            if path.parent.is_dir():
                continue
            raise
        if locked(descriptor) is not False and is_at(descriptor, path):
            return path, descriptor
        os.close(descriptor)


def _is_abandoned(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_LINKS)
    except OSError:
        return False
    try:
        return locked(descriptor) is True
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


__all__ = ["own_temporary_files", "remove_leftovers", "unfinished_directory", "unfinished_file"]
