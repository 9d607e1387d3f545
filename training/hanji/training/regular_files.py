"""Refuses pipes, sockets and devices in place of files: reading one may wait forever or never end."""

from __future__ import annotations

import stat
from pathlib import Path

from hanji.training.errors import DataError

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def regular_file(path: Path) -> Path:
    """``path``, to be opened; DataError for a pipe, a socket or a device.

    A path without a file, or one that cannot be read, is left to whoever opens it.
    """
    try:
        kind = _KINDS.get(stat.S_IFMT(path.stat().st_mode))
    except (OSError, ValueError):  # ValueError: a path with a null byte
        return path
    if kind is not None:
        raise DataError(f"{path}: expected a file, found {kind}; copy what it gives into a file first")
    return path


__all__ = ["regular_file"]
