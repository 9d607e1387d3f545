"""What is unpacked is bounded: members of zip files, arrays of .npz files, and compressed text."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np

from hanji.training.errors import DataError
from hanji.training.regular_files import regular_file

ORDINARY_BYTES = 1 << 26
"""What may be unpacked from a file of any size: 64 MiB, as blank images and repeated lines can need."""
LARGEST_RATIO = 200
"""Of unpacked to packed bytes beyond that. Text of ratings has 3 to 20; only what is made to fill memory or
disk comes near the 1,032 that deflate can reach."""
_DAMAGE = (
    *(OSError, EOFError, ValueError, KeyError, RuntimeError, MemoryError),
    *(NotImplementedError, SyntaxError, tokenize.TokenError, zlib.error, zipfile.BadZipFile),
)
"""What NumPy and zipfile raise for damaged files."""


def largest_unpacked(packed: int) -> int:
    """The most bytes that ``packed`` bytes may unpack to."""
    return max(ORDINARY_BYTES, LARGEST_RATIO * packed)


def expect_ordinary(archive: zipfile.ZipFile, path: Path) -> None:
    """DataError if a member of a zip file would unpack to more than ``largest_unpacked``."""
    for member in archive.infolist():
        largest = largest_unpacked(member.compress_size)
        if member.file_size > largest:
            raise DataError(
                f"{path}: {member.filename}: expected at most {largest:,} bytes from "
                f"{member.compress_size:,} packed ones, found {member.file_size:,}; write it again without "
                "compression"
            )


def read_member(archive: zipfile.ZipFile, name: str, path: Path, largest: int) -> bytes:
    """A member of a zip file; DataError, before it is unpacked, if it has more than ``largest`` bytes."""
    size = archive.getinfo(name).file_size
    if size > largest:
        raise DataError(f"{path}: {name}: expected at most {largest:,} bytes, found {size:,}")
    return archive.read(name)


@contextmanager
def open_arrays(path: Path, advice: str) -> Iterator[np.lib.npyio.NpzFile]:
    """The arrays of an .npz file; DataError with ``advice`` if one that the block reads is damaged."""
    try:
        with regular_file(path).open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as arrays:
            expect_ordinary(cast(zipfile.ZipFile, arrays.zip), path)  # it is open
            yield arrays
    except _DAMAGE as error:
        reason = getattr(error, "strerror", None) or error or type(error).__name__
        raise DataError(f"{path}: expected an .npz file of plain arrays, found {reason}; {advice}") from None


__all__ = [
    "LARGEST_RATIO",
    "ORDINARY_BYTES",
    "expect_ordinary",
    "largest_unpacked",
    "open_arrays",
    "read_member",
]
