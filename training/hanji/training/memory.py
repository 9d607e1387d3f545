"""How much memory the stages may use: what is free, or less by ``--memory`` or HANJI_MEMORY.

Sizes of batches derive from it, and what cannot fit is refused before it begins.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hanji.training.errors import DataError, RecipeError
from hanji.training.sizes import bytes_of

VARIABLE = "HANJI_MEMORY"
BATCH_BYTES = 1 << 28
"""Largest batch: larger ones are not faster, and the same size on most machines gives the same rounding."""

_BATCH_SHARE = 16  # a batch may take this fraction of the memory: its temporary copies need some, too
_limit: int | None = None


@contextmanager
def memory_limit(limit: int | None) -> Iterator[None]:
    """Let this process use at most ``limit`` bytes while the block runs; None changes nothing."""
    global _limit
    before, _limit = _limit, _limit if limit is None else limit
    try:
        yield
    finally:
        _limit = before


def available_memory() -> int:
    """Bytes that this process may still allocate.

    The least of what the system has free, what its control group leaves, and what is left of the limit.
    RecipeError if HANJI_MEMORY is not a size.
    """
    limit = _limit or _limit_of_environment()
    found = [_free_memory(), *_left_in_group(Path("/sys/fs/cgroup"))]
    return max(min([*found, limit - _resident_bytes()] if limit else found), 0)


def rows_in_batch(row_bytes: int, *, most: int | None = None, largest: int = BATCH_BYTES) -> int:
    """How many rows of ``row_bytes`` a batch has: at least 1, and at most ``most`` or ``largest`` bytes."""
    room = min(available_memory() // _BATCH_SHARE, largest)
    rows = max(room // max(row_bytes, 1), 1)
    return rows if most is None else min(rows, most)


def expect_memory(needed: int, purpose: str, instead: str) -> None:
    """DataError if ``purpose`` needs more bytes than there are; ``instead`` states what to change."""
    available = available_memory()
    if needed > available:
        raise DataError(
            f"{purpose} needs about {in_gigabytes(needed)} of memory, but {in_gigabytes(available)} may be "
            f"used; {instead}, or more memory (--memory and {VARIABLE} limit it)"
        )


def in_gigabytes(size: int) -> str:
    """``size`` bytes as text, such as "1.5 GB"."""
    return f"{size / 1e9:,.1f} GB" if size >= 10**8 else f"{size / 1e6:,.1f} MB"


def _limit_of_environment() -> int | None:
    text = os.environ.get(VARIABLE)
    try:
        return bytes_of(text) if text else None
    except ValueError as error:
        raise RecipeError(f"the environment variable {VARIABLE}: {error}") from None


def _free_memory() -> int:
    """Memory that can be allocated without swapping; all of it where the system does not say."""
    fields = dict(line.split(":", 1) for line in _lines(Path("/proc/meminfo")))
    if "MemAvailable" in fields:
        return int(fields["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _left_in_group(root: Path) -> list[int]:
    """What the limits of this process's control groups leave (versions 2 and 1); none without a limit."""
    found = []
    for line in _lines(Path("/proc/self/cgroup")):
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            # Inside a container, the group itself is often mounted as the root.
            found += [_left(root / controllers / path.lstrip("/")), _left(root / controllers)]
    return [left for left in found if left is not None]


def _left(group: Path) -> int | None:
    most = "".join(_lines(group / "memory.max") or _lines(group / "memory.limit_in_bytes"))
    used = "".join(_lines(group / "memory.current") or _lines(group / "memory.usage_in_bytes"))
    if not (most.isdigit() and used.isdigit()):
        return None
    statistics = dict(line.split(" ", 1) for line in _lines(group / "memory.stat"))
    # Cached files count as used, but make room when memory is needed.
    cached = statistics.get("total_inactive_file", statistics.get("inactive_file", "0"))
    return int(most) - int(used) + int(cached)


def _resident_bytes() -> int:
    fields = "".join(_lines(Path("/proc/self/statm"))).split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:  # another system than Linux, or another kind of control group
        return []


__all__ = [
    "BATCH_BYTES",
    "available_memory",
    "expect_memory",
    "in_gigabytes",
    "memory_limit",
    "rows_in_batch",
]
