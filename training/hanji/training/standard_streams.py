"""Makes the loss of stderr harmless, and that of stdout a clear error: progress is lost, results are not."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO


class _BestEffort(io.FileIO):
    """A file in which nothing is kept that cannot be written."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except OSError:
            return len(memoryview(data).cast("B"))


class _Output(io.FileIO):
    """A file whose errors say that stdout cannot be written."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except OSError as error:
            raise OSError(error.errno, error.strerror, "standard output") from None


def keep_standard_streams() -> None:
    """Let writing to stderr never fail, and open the standard descriptors that are closed.

    Otherwise the next file that is opened would get the number of a closed one, and with it what libraries
    print. Results that are printed to a closed stdout are still an error.
    """
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)  # the lowest free number is this one
    sys.stdout = _opened(sys.stdout, _Output(1, "w", closefd=False))
    sys.stderr = _opened(sys.stderr, _BestEffort(2, "w", closefd=False))


def _opened(stream: TextIO | None, file: io.FileIO) -> TextIO:
    """A stream to ``file`` in place of Python's own; one that an application has replaced stays."""
    if stream is not None and type(stream) is not io.TextIOWrapper:
        return stream
    encoding = "utf-8"
    if stream is not None:
        with suppress(OSError):
            stream.flush()
        encoding = stream.encoding
    by_line = file.isatty() or file.fileno() == 2
    return io.TextIOWrapper(io.BufferedWriter(file), encoding, "backslashreplace", line_buffering=by_line)


__all__ = ["keep_standard_streams"]
