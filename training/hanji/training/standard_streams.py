"""Makes the loss of stderr harmless: what is shown there is progress, and results do not depend on it."""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class _BestEffort(io.FileIO):
    """A file in which nothing is kept that cannot be written."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except OSError:
            return len(memoryview(data).cast("B"))


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
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None or type(sys.stderr) is io.TextIOWrapper:
        encoding = sys.stderr.encoding if sys.stderr else "utf-8"
        raw = io.BufferedWriter(_BestEffort(2, "w", closefd=False))
        sys.stderr = io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=True)


__all__ = ["keep_standard_streams"]
