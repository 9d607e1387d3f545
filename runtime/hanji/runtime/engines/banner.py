"""The line about XNNPACK that TensorFlow Lite writes to stderr, held back.

It comes once in a process, with the first interpreter, straight to file descriptor 2, and no setting turns it
off. So a model of one operator is prepared first: whatever is written about the bundle's own model is shown.
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
            return  # then the banner comes with the first real model, which may be all right


@contextmanager
def _stderr_without_banner() -> Iterator[None]:
    """Drop the banner from what is written to file descriptor 2 meanwhile, by whichever thread."""
    try:
        stderr = os.dup(2)
    except OSError:  # closed: nothing can be written there
        yield
        return
    held_back, into = os.pipe()
    os.dup2(into, 2)
    os.close(into)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        with os.fdopen(held_back, "rb") as lines:
            for line in lines:
                if not line.startswith(_BANNER):
                    os.write(2, line)


__all__ = ["hold_back_banner"]
