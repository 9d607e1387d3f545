"""Replaces a directory in one step, and writes files through to the disk."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_EXCHANGE = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS
_CURRENT = -100  # AT_FDCWD of Linux
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


def replace_directory(new: Path, target: Path) -> None:
    """Make ``new`` the directory at ``target``, and leave an earlier one at ``new``, or remove it.

    Linux and macOS exchange two directories in one step, so that there is always one at ``target``. Where the
    file system cannot (NFS), the earlier one is renamed first; a process that is killed between the two steps
    leaves it as .NAME.previous, which ``restore_previous`` renames back. Raises OSError.
    """
    if not target.exists():
        new.rename(target)
    elif not _exchanged(new, target):
        _replace_in_two_steps(new, target)
    _flush(target.parent)


def restore_previous(target: Path) -> None:
    """Rename the previous directory back if a killed ``replace_directory`` left none at ``target``."""
    previous = _previous(target)
    if previous.is_dir() and not target.exists():
        previous.rename(target)


def flush_directory(directory: Path) -> None:
    """Write all files below ``directory`` through to the disk; OSError if one cannot be written."""
    for root, _, names in os.walk(directory):
        for name in names:
            flush_file(Path(root, name))
        _flush(Path(root))


def flush_file(path: Path) -> None:
    """Write a file through to the disk; OSError if it cannot be written."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush(directory: Path) -> None:
    """The same for the names in a directory, which not every file system can."""
    with suppress(OSError):
        flush_file(directory)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two directories in one step; False if the system or the file system cannot."""
    call = _system_call()
    if call is None:
        return False
    if call(os.fsencode(one), os.fsencode(other)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(other))


def _system_call() -> Callable[[bytes, bytes], int] | None:
    library = ctypes.CDLL(None, use_errno=True)
    try:
        if sys.platform == "darwin":
            swap = library.renamex_np
            return lambda one, other: int(swap(one, other, ctypes.c_uint(_EXCHANGE)))
        rename = library.renameat2
    except AttributeError:  # a C library without it
        return None
    return lambda one, other: int(rename(_CURRENT, one, _CURRENT, other, ctypes.c_uint(_EXCHANGE)))


def _replace_in_two_steps(new: Path, target: Path) -> None:
    previous = _previous(target)
    shutil.rmtree(previous, ignore_errors=True)
    target.rename(previous)
    try:
        new.rename(target)
    except BaseException:
        previous.rename(target)
        raise
    shutil.rmtree(previous, ignore_errors=True)


def _previous(target: Path) -> Path:
    return target.with_name(f".{target.name}.previous")


__all__ = ["flush_directory", "flush_file", "replace_directory", "restore_previous"]
