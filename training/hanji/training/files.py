"""Files and directories that appear whole or not at all: written aside, then renamed."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hanji.training.errors import HanjiError


@contextmanager
def atomic_directory(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a new empty directory beside `target`, and rename it to `target` when the block ends well.

    If the block ends in any exception, Ctrl-C included, the new directory is removed and an existing
    `target` is as it was. An existing directory that is not empty is replaced only with `replace=True`.
    Raises HanjiError if the target is taken or cannot be written.
    """
    target = target.resolve()  # a symbolic link stays, the directory it leads to is replaced
    aside = _sibling(target)
    try:
        _prepare(target, aside, replace)
        yield aside
        _move_into_place(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_text_atomic(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with plain line feeds; `path` holds all of it or what it held before.

    Raises HanjiError if it cannot be written.
    """
    aside = _sibling(path)
    try:
        aside.write_bytes(text.encode())
        aside.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from None
    finally:
        aside.unlink(missing_ok=True)


def _prepare(target: Path, aside: Path, replace: bool) -> None:
    try:
        if target.exists() and not target.is_dir():
            raise HanjiError(f"{target}: expected a directory or nothing, found a file; choose another place")
        if target.is_dir() and not replace and any(target.iterdir()):
            raise HanjiError(f"{target}: exists and is not empty; choose another place or remove it first")
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.mkdir()
    except OSError as error:
        raise _cannot_write(target, error) from None


def _move_into_place(aside: Path, target: Path) -> None:
    try:
        if not target.exists():
            aside.rename(target)
            return
        old = _sibling(target)
        target.rename(old)
        try:
            aside.rename(target)
        except BaseException:
            old.rename(target)
            raise
    except OSError as error:
        raise _cannot_write(target, error) from None
    shutil.rmtree(old, ignore_errors=True)


def _sibling(path: Path) -> Path:
    """A free hidden name in the same directory, so that a rename stays within one file system."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _cannot_write(path: Path, error: OSError) -> HanjiError:
    return HanjiError(
        f"{path}: cannot be written: {error.strerror or error}; choose another place, or check its "
        "permissions and the free space"
    )


__all__ = ["atomic_directory", "write_text_atomic"]
