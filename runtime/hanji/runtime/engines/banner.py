"""Suppresses the XNNPACK banner that TensorFlow Lite writes to stderr.

The first interpreter of a process writes the banner directly to file descriptor 2, and no setting disables
it. So a one-operator model is prepared first; messages about the bundle's own model are not filtered.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_BANNER = b"INFO: Created TensorFlow Lite"
_ONE_OPERATOR = (  # float32 [1] → its absolute value
    "GAAAAFRGTDMAAA4AGAAUABAADAAIAAQADgAAABQAAAAgAAAAJAAAANgAAAADAAAAAQAAAAgAAAAEAAQABAAAAAAAAAAAAAAAAQAA"
    "ABAAAAAMABQAEAAMAAgABAAMAAAAEAAAADwAAABAAAAARAAAAAEAAAAQAAAAAAAKAAwAAAAIAAQACgAAAAgAAAAMAAAAAQAAAAEA"
    "AAABAAAAAAAAAAEAAAABAAAAAQAAAAAAAAACAAAAMAAAAAQAAADk////CAAAAAwAAAABAAAAeQAAAAEAAAABAAAADAAMAAgAAAAA"
    "AAQADAAAAAgAAAAMAAAAAQAAAHgAAAABAAAAAQAAAAEAAAAQAAAADAAMAAsAAAAAAAQADAAAAGUAAAAAAABl"
)


@cache
def hold_back_banner(interpreter_class: Callable[..., Any]) -> None:
    """Prepare the first interpreter of this class without its banner; later calls do nothing."""
    with _stderr_without_banner():
        try:
            interpreter_class(model_content=base64.b64decode(_ONE_OPERATOR)).allocate_tensors()
        except (RuntimeError, ValueError):
            return  # the banner then appears with the first real model, which may still load


@contextmanager
def _stderr_without_banner() -> Iterator[None]:
    """Drop the banner from everything written to file descriptor 2 within the context, by any thread."""
    try:
        stderr = os.dup(2)
    except OSError:  # stderr is closed
        yield
        return
    reader, writer = os.pipe()
    os.dup2(writer, 2)
    os.close(writer)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        with os.fdopen(reader, "rb") as lines:
            for line in lines:
                if not line.startswith(_BANNER):
                    os.write(2, line)


__all__ = ["hold_back_banner"]
