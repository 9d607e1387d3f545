"""Opening the files people give, with one clear error for each way that can fail."""

from __future__ import annotations

from pathlib import Path

from hanji.training.errors import DataError


def read_source(path: Path) -> bytes:
    """The bytes of a text file.

    Raises DataError if it is missing, unreadable, empty or not text.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: expected a file, found none; {directory_listing(path.parent)}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; check its permissions and kind") from None
    if not data.strip():
        raise DataError(
            f"{path}: expected interactions or items, found an empty file; fetch or export it again"
        )
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise DataError(
            f"{path}:{line}: expected text, found binary data (a zero byte); unpack it if it is an archive, "
            "or save it as UTF-8 text"
        )
    return data


def decode(data: bytes, path: Path, encoding: str, *, first_line: int = 1) -> str:
    """The text of a file from its line `first_line` on; DataError with the line that is not in `encoding`."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        raise DataError(
            f"{path}:{line}: expected {encoding} text, found the byte 0x{data[error.start]:02x}; "
            "save the file as UTF-8"
        ) from None


def file_names(directory: Path) -> list[str]:
    """Sorted names of the directory's files; DataError if there is no such directory or it cannot be read."""
    try:
        return sorted(entry.name for entry in directory.iterdir() if not entry.is_dir())
    except FileNotFoundError:
        raise DataError(
            f"{directory}: expected a directory with data files, found none; check the path given as --data"
        ) from None
    except NotADirectoryError:
        raise DataError(
            f"{directory}: expected a directory, found a file; give the one it is in: {directory.parent}"
        ) from None
    except OSError as error:
        raise DataError(f"{directory}: cannot be read: {error.strerror}; check its permissions") from None


def directory_listing(directory: Path) -> str:
    """What is in a directory, in words for an error message."""
    names = file_names(directory)
    if not names:
        return f"{directory} holds no files"
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"{directory} holds {shown}"
