"""Checks a .keras or .h5 file before Keras opens it: its config, and that it reads no other file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import h5py

from hanji.runtime.json_table import json_value
from hanji.training.archives import expect_ordinary, read_member
from hanji.training.classifiers.untrusted.keras_config import expect_known_config
from hanji.training.errors import DataError
from hanji.training.regular_files import regular_file

LARGEST_CONFIG = 64 << 20
"""The largest config in bytes; that of a network with a thousand layers has about 1 MB."""

KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
"""Of the files that Keras saves."""

_CONFIG = "config.json"
_METADATA = "metadata.json"
_WEIGHTS = "model.weights.h5"
_HDF5 = b"\x89HDF\r\n\x1a\n"


def keras_config(path: Path) -> object:
    """The config of the model in a .keras or .h5 file; None in a file of weights, or of another format.

    Files are recognized by their content. DataError for one that is damaged, or whose config is too large or
    nested too deep.
    """
    with _reading(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return _archived_config(archive, path)
        if _is_hdf5(path):
            with h5py.File(path, "r") as file:
                config = file.attrs.get("model_config")
                if config is not None and len(config) > LARGEST_CONFIG:
                    raise DataError(
                        f"{path}: expected a config of at most {LARGEST_CONFIG:,} bytes, found more"
                    )
                return None if config is None else json.loads(config)
    return None


def archived_version(archive: zipfile.ZipFile, path: Path) -> str:
    """The version of Keras in a .keras file; KeyError, TypeError or ValueError if it has none."""
    metadata: Any = json_value(read_member(archive, _METADATA, path, LARGEST_CONFIG))
    return str(metadata["keras_version"])


def expect_known_keras_file(path: Path) -> None:
    """DataError for a file that names an unknown class or function, or that refers to other files.

    One that is neither a zip archive nor HDF5 is left to Keras.
    """
    expect_known_config(keras_config(path), str(path))
    with _reading(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                expect_ordinary(archive, path)
                if _WEIGHTS in archive.namelist():
                    _expect_own_data(io.BytesIO(archive.read(_WEIGHTS)), f"{path}: {_WEIGHTS}")
        elif _is_hdf5(path):
            with path.open("rb") as content:
                _expect_own_data(content, str(path))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what damaged files raise into DataError."""
    regular_file(path)
    try:
        yield
    except RecursionError:
        raise DataError(
            f"{path}: expected a model config of ordinary depth, found one nested too deep"
        ) from None
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: expected a model saved by Keras, found a damaged file ({error})") from None


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_HDF5)) == _HDF5


def _archived_config(archive: zipfile.ZipFile, path: Path) -> object:
    config: object = json.loads(read_member(archive, _CONFIG, path, LARGEST_CONFIG))
    if isinstance(config, dict):
        config.pop("compile_config", None)  # Keras reads that of the model itself only with compile=True
    return config


def _expect_own_data(content: IO[bytes], where: str) -> None:
    """DataError for an HDF5 file that refers to other files."""
    with h5py.File(content, "r") as file:
        for name in _names_with_files(file):
            raise DataError(
                f"{where}: {name!r}: refers to data in another file; save the model again into one file"
            )


def _names_with_files(group: Any) -> Iterator[str]:
    """The names of the links and datasets whose content is in another file."""
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            yield f"{group.name}/{name}"
        elif isinstance(link, h5py.HardLink):
            entry = group[name]
            if isinstance(entry, h5py.Group):
                yield from _names_with_files(entry)
            elif isinstance(entry, h5py.Dataset) and (entry.external or entry.is_virtual):
                yield f"{group.name}/{name}"


__all__ = [
    "KERAS_SUFFIXES",
    "LARGEST_CONFIG",
    "archived_version",
    "expect_known_keras_file",
    "keras_config",
]
