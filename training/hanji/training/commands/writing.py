"""What every command that writes an output directory does around its work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hanji.training.commands.interruption import AFTER_EPOCHS, resumable
from hanji.training.output_lock import lock_beside
from hanji.training.unfinished import own_temporary_files


@contextmanager
def disturbable(how: str = AFTER_EPOCHS) -> Iterator[None]:
    """Interruptible, see ``resumable``, and with temporary files that the next command removes if killed."""
    with resumable(how), own_temporary_files():
        yield


@contextmanager
def writing_to(out: Path, how: str = AFTER_EPOCHS) -> Iterator[None]:
    """The same, and no other command writes the directory ``out`` meanwhile; HanjiError if one does."""
    with disturbable(how), lock_beside(out):
        yield


__all__ = ["disturbable", "writing_to"]
