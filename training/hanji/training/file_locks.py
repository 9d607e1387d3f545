"""Locks of the kernel on open files and directories, which end with their process, however it ends."""

from __future__ import annotations

import os
from pathlib import Path


def locked(descriptor: int) -> bool | None:
    """Lock an open file or directory for this process, without waiting.

    False if another process holds it; None if the platform or the file system has no such locks. Network file
    systems lock no directories, and some of them nothing.
    """
    try:
        import fcntl
    except ImportError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Whether ``path`` still is the open file; another process may have removed it before it was locked."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


__all__ = ["is_at", "locked"]
