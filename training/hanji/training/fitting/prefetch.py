"""Batches that are prepared while a step runs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Batch = TypeVar("Batch")


def prefetched(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches in the same order, each prepared in another thread while the one before is in use."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = pool.submit(next, batches, None)
            yield batch


__all__ = ["prefetched"]
