"""Suppresses the XNNPACK banner that TensorFlow Lite writes to stderr.

The first interpreter of a process writes the banner directly to file descriptor 2, and no setting disables
it. So a one-operator model is prepared first; messages about the bundle's own model are not filtered.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_BANNER = b"INFO: Created TensorFlow Lite"
_ONE_OPERATOR = (  # float32 [1] → its absolute value
    "1800000054464c3300000e001800140010000c00080004000e000000140000002000000024000000d8000000030000000100"
    "0000080000000400040004000000000000000000000001000000100000000c00140010000c00080004000c00000010000000"
    "3c0000004000000044000000010000001000000000000a000c000000080004000a000000080000000c000000010000000100"
    "0000010000000000000001000000010000000100000000000000020000003000000004000000e4ffffff080000000c000000"
    "010000007900000001000000010000000c000c0008000000000004000c000000080000000c00000001000000780000000100"
    "00000100000001000000100000000c000c000b000000000004000c0000006500000000000065"
)


_lock = threading.Lock()


def hold_back_banner(interpreter_class: Callable[..., Any]) -> None:
    """Prepare the first interpreter of this class without its banner; later calls do nothing."""
    with _lock:  # two threads must not redirect the same file descriptor
        _prepare_one(interpreter_class)


@cache
def _prepare_one(interpreter_class: Callable[..., Any]) -> None:
    with _stderr_without_banner():
        try:
            interpreter_class(model_content=bytes.fromhex(_ONE_OPERATOR)).allocate_tensors()
        except (RuntimeError, ValueError):
            return  # the banner then appears with the first real model, which may still load


@contextmanager
def _stderr_without_banner() -> Iterator[None]:
    """Drop the banner from everything written to file descriptor 2 within the context, by any thread."""
    stderr = _duplicate_stderr()
    if stderr is None:
        yield
        return
    held_back = os.memfd_create("stderr")
    os.dup2(held_back, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.lseek(held_back, 0, os.SEEK_SET)
        with os.fdopen(held_back, "rb") as lines:
            for line in lines:
                if not line.startswith(_BANNER):
                    os.write(2, line)


def _duplicate_stderr() -> int | None:
    """None if stderr is closed, or if the system has no anonymous files (Linux has)."""
    if not hasattr(os, "memfd_create"):
        return None
    try:
        return os.dup(2)
    except OSError:
        return None
