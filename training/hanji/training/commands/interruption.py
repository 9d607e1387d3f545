"""Interruption of long runs: Ctrl-C, SIGTERM or a lack of memory as an error that states how to resume."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hanji.training.errors import HanjiError
from hanji.training.interrupts import check_interrupt, is_interrupted, noted_interrupts

AFTER_EPOCHS = "to resume after the last completed epoch"
ANEW = "to start anew; nothing was written"


@contextmanager
def resumable(how: str = AFTER_EPOCHS) -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM or a MemoryError inside the block into an error that states how to resume.

    ``how`` is what running the same command again does.
    """
    with noted_interrupts():
        try:
            yield
            check_interrupt()
        except SystemExit:  # the message has been written
            raise
        except BaseException as error:
            if is_interrupted() or isinstance(error, KeyboardInterrupt):
                raise HanjiError(f"interrupted; run the same command again {how}") from None
            if isinstance(error, MemoryError):
                reason = f" ({error})" if str(error) else ""
                raise HanjiError(
                    f"not enough memory{reason}; run the same command with more memory {how}"
                ) from None
            raise


__all__ = ["AFTER_EPOCHS", "ANEW", "resumable"]
