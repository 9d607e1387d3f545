"""Directories and files: listings with clear errors, models of stages, and atomic writing."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from hanji.training.archives import open_arrays
from hanji.training.errors import DataError, HanjiError
from hanji.training.exchange import flush_directory, flush_file, replace_directory, restore_previous
from hanji.training.interrupts import check_interrupt
from hanji.training.json_files import read_json
from hanji.training.unfinished import remove_leftovers, unfinished_directory, unfinished_file

if TYPE_CHECKING:
    import tf_keras as keras

Given = ParamSpec("Given")
Loaded = TypeVar("Loaded")
FORMAT_VERSION = 1
"""Of the directories with models that stages write."""


@contextmanager
def atomic_directory(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a new empty directory next to `target`, which becomes `target` in one step if the block succeeds.

    On any exception, including Ctrl-C, the new directory is removed and an existing `target` is unchanged. If
    this process is killed, the next one removes it. An existing directory that is not empty is replaced only
    with `replace=True`. Raises HanjiError if the target exists or cannot be written.
    """
    target = absolute(target)  # a symbolic link is kept, and the directory it points to is replaced
    new_parent(target, replace=replace)
    try:
        restore_previous(target)
        remove_leftovers(target.parent)
        with unfinished_directory(target) as staging:
            yield staging
            flush_directory(staging)
            check_interrupt()
            replace_directory(staging, target)
    except OSError as error:
        if _concerns(error, target):
            raise cannot_write(target, error) from None
        raise


def write_text_atomic(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with LF line endings; on failure `path` keeps its previous contents.

    Raises HanjiError if it cannot be written.
    """
    with atomic_file(path) as staging:
        staging.write_bytes(text.encode())


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a new empty file next to `path`, which replaces `path` if the block succeeds.

    On any exception `path` keeps its previous contents. If this process is killed, the next one that writes
    `path` removes the new file. Raises HanjiError if it cannot be written.
    """
    try:
        remove_leftovers(path.parent, path.name)
        with unfinished_file(path) as staging:
            yield staging
            flush_file(staging)
            check_interrupt()
            staging.replace(path)
    except OSError as error:
        if _concerns(error, path):
            raise cannot_write(path, error) from None
        raise


def new_parent(target: Path, *, replace: bool = False) -> Path:
    """The directory of a new `target`, which is made if it is missing; HanjiError as `atomic_directory`."""
    target = absolute(target)
    if target == target.parent:
        raise HanjiError(
            f"{target}: expected a directory in another one, found the root; choose another path"
        )
    try:
        if target.exists() and not target.is_dir():
            raise HanjiError(f"{target}: expected a directory or nothing, found a file; choose another path")
        if target.is_dir() and not replace and any(target.iterdir()):
            raise HanjiError(f"{target}: exists and is not empty; choose another path or remove it first")
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(target, error) from None
    return target.parent


def absolute(path: Path) -> Path:
    """The absolute path without symbolic links; HanjiError if the current directory no longer exists."""
    try:
        return path.resolve()
    except FileNotFoundError:
        raise HanjiError(f"{path}: the current directory no longer exists; change to one that does") from None


def cannot_write(path: Path, error: OSError) -> HanjiError:
    """The HanjiError for a path that cannot be written."""
    return HanjiError(
        f"{path}: cannot be written: {error.strerror or error}; choose another path, or check its "
        "permissions and the free space"
    )


def _concerns(error: OSError, path: Path) -> bool:
    """Whether the error is one of writing `path`, rather than of another file that is read meanwhile."""
    if error.filename is None:
        return True
    found = Path(os.fsdecode(error.filename))
    return any(part == path or part.name.startswith(f".{path.name}.") for part in (found, *found.parents))


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
            f"{directory}: expected a directory, found a file; give its directory: {directory.parent}"
        ) from None
    except OSError as error:
        raise DataError(f"{directory}: cannot be read: {error.strerror}; check its permissions") from None


def directory_listing(directory: Path) -> str:
    """The files in a directory, as text for error messages."""
    names = file_names(directory)
    if not names:
        return f"{directory} contains no files"
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"{directory} contains {shown}"


def source_directory(
    data_format: str, directory: Path | None, *, built_in: str, for_files: str
) -> Path | None:
    """The directory from which data of this format is read; None for the ``built_in`` format.

    DataError if there is no directory where one is needed, or one where none is read; ``for_files`` is the
    format that would read it.
    """
    if data_format == "memory":
        raise DataError(
            'data.format is "memory": the data came from Python arrays, not from files; pass the dataset '
            "itself, or set data.format to read files"
        )
    if data_format == built_in and directory is not None:
        raise DataError(
            f'data.format is "{built_in}", which reads no files, but the directory {directory} was given; '
            f'set data.format = "{for_files}" and data.name to use it, or omit it'
        )
    if data_format != built_in and directory is None:
        raise DataError(
            f'data.format is "{data_format}", which needs a directory with the files; pass it as --data'
        )
    return directory


def read_about(path: Path, made_by: str) -> dict[str, Any]:
    """Read the JSON file of a stage's output directory; DataError names the command that writes it."""
    try:
        about = read_json(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected a directory written by `{made_by}`") from None
    except ValueError as error:
        raise DataError(f"{path}: not readable ({error}); run `{made_by}` again") from None
    found = about.get("format_version") if isinstance(about, dict) else None
    if not isinstance(about, dict) or found != FORMAT_VERSION:
        raise DataError(
            f"{path}: expected format version {FORMAT_VERSION}, found {found!r:.60}; "
            f"run `{made_by}` again with this version of hanji"
        )
    return about


def stage_output(made_by: str) -> Callable[[Callable[Given, Loaded]], Callable[Given, Loaded]]:
    """Decorate what loads a directory, its last argument: DataError for what ``made_by`` never writes."""

    def decorate(load: Callable[Given, Loaded]) -> Callable[Given, Loaded]:
        @functools.wraps(load)
        def checked(*args: Given.args, **kwargs: Given.kwargs) -> Loaded:
            try:
                return load(*args, **kwargs)
            except HanjiError:
                raise
            except (AttributeError, LookupError, OSError, OverflowError, TypeError, ValueError) as error:
                raise DataError(
                    f"{args[-1]}: damaged ({type(error).__name__}: {error!s:.200}); run `{made_by}` again"
                ) from error

        return checked

    return decorate


def save_weights(model: keras.Model, path: Path) -> None:
    """Save all weights in the model's order, as plain arrays."""
    np.savez(path, **{f"weight_{index}": array for index, array in enumerate(model.get_weights())})


def load_weights(model: keras.Model, path: Path) -> None:
    """Load weights written by ``save_weights`` into a model built from the same config."""
    try:
        with open_arrays(path, "run the stage again") as arrays:
            weights = [arrays[f"weight_{index}"] for index in range(len(arrays.files))]
        model.set_weights(weights)
    except ValueError as error:
        raise DataError(f"{path}: not the weights of this model ({error}); run the stage again") from None


__all__ = [
    "FORMAT_VERSION",
    "absolute",
    "atomic_directory",
    "atomic_file",
    "cannot_write",
    "directory_listing",
    "file_names",
    "load_weights",
    "new_parent",
    "read_about",
    "save_weights",
    "source_directory",
    "stage_output",
    "write_text_atomic",
]
