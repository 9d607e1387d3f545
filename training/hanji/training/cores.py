"""The processor cores that this process may use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Their number: those of its affinity mask where the system has one, else all; at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


__all__ = ["usable_cores"]
