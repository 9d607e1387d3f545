"""One command at a time for each output directory: a lock file that the kernel releases with its process."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hanji.training.errors import HanjiError
from hanji.training.file_locks import is_at, locked
from hanji.training.files import absolute, cannot_write, new_parent
from hanji.training.progress import logger
from hanji.training.unfinished import remove_leftovers


@contextmanager
def lock_beside(out: Path) -> Iterator[None]:
    """Hold ``out``, which is replaced as a whole, while the block runs; the lock is .NAME.lock beside it.

    HanjiError that names the process which holds it, or if the lock file cannot be written.
    """
    out = absolute(out)
    new_parent(out, replace=True)
    with _lock(out, out.with_name(f".{out.name}.lock")):
        remove_leftovers(out.parent)
        yield


@contextmanager
def lock_inside(out: Path) -> Iterator[None]:
    """Hold ``out``, a directory with several results, by the lock file .lock in it; see ``lock_beside``.

    The directory is made if it is missing, and removed if it stays empty.
    """
    out = absolute(out)
    new_parent(out, replace=True)
    is_new = not out.exists()
    try:
        out.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from None
    try:
        with _lock(out, out / ".lock"):
            remove_leftovers(out)
            yield
    finally:
        if is_new:
            with suppress(OSError):
                out.rmdir()


@contextmanager
def _lock(out: Path, path: Path) -> Iterator[None]:
    descriptor = _locked(out, path)
    try:
        with suppress(OSError):  # on a full disk, others are told nothing about this process
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"host": platform.node(), "pid": os.getpid()}).encode(), 0)
        yield
    finally:
        with suppress(OSError):
            path.unlink()  # while it is locked, so that no other process has it
        os.close(descriptor)


def _locked(out: Path, path: Path) -> int:
    """The open and locked lock file; HanjiError if another process holds it."""
    while True:
        descriptor = _opened(path)
        found = locked(descriptor)
        if found is False:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise HanjiError(
                f"{out}: another command writes into this directory: {holder}; wait until it has ended, or "
                "choose another --out"
            )
        if is_at(descriptor, path):
            break
        os.close(descriptor)
    if found is None:
        logger.warning(f"{out}: this file system has no locks; run no other command with this --out")
    return descriptor


def _opened(path: Path) -> int:
    is_foreign = path.exists() and not os.access(path, os.W_OK)  # left by a killed process of another user
    access = os.O_RDONLY if is_foreign else os.O_RDWR | os.O_CREAT
    try:
        return os.open(path, access | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise cannot_write(path, error) from None


def _holder(descriptor: int) -> str:
    try:
        about = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {about['pid']} on {about['host']}"
    except (ValueError, KeyError, TypeError):  # it has just started
        return "it has just started"


__all__ = ["lock_beside", "lock_inside"]
