"""Checks a .keras or .h5 file before Keras opens it: its config, and that it reads no other file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import h5py

from hanji.training.classifiers.untrusted.keras_config import expect_known_config
from hanji.training.errors import DataError

LARGEST_CONFIG = 64 << 20
"""The largest config in bytes; that of a network with a thousand layers has about 1 MB."""

_CONFIG = "config.json"
_WEIGHTS = "model.weights.h5"
_HDF5 = b"\x89HDF\r\n\x1a\n"


def expect_known_keras_file(path: Path) -> None:
    """DataError for a file that names an unknown class or function, or that refers to other files.

    Files are recognized by their content. One that is neither a zip archive nor HDF5 is left to Keras.
    """
    try:
        if zipfile.is_zipfile(path):
            _check_archive(path)
        elif path.open("rb").read(len(_HDF5)) == _HDF5:
            with path.open("rb") as file:
                expect_known_config(_hdf5_config(file, str(path)), str(path))
    except RecursionError:
        raise DataError(
            f"{path}: expected a model config of ordinary depth, found one nested too deep"
        ) from None
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a file that Keras wrote ({error})") from None


def _check_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(_CONFIG).file_size
        if size > LARGEST_CONFIG:
            raise DataError(f"{path}: {_CONFIG}: expected at most {LARGEST_CONFIG:,} bytes, found {size:,}")
        config = json.loads(archive.read(_CONFIG))
        if isinstance(config, dict):
            config.pop("compile_config", None)  # Keras reads that of the model itself only with compile=True
        expect_known_config(config, str(path))
        if _WEIGHTS in archive.namelist():
            _hdf5_config(io.BytesIO(archive.read(_WEIGHTS)), f"{path}: {_WEIGHTS}")


def _hdf5_config(content: IO[bytes], where: str) -> object:
    """The model's config in a .h5 file, None without one; DataError if it refers to other files."""
    with h5py.File(content, "r") as file:
        for name in _names_with_files(file):
            raise DataError(
                f"{where}: {name!r}: refers to data in another file; save the model again into one file"
            )
        config = file.attrs.get("model_config")
        return None if config is None else json.loads(config)


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


__all__ = ["LARGEST_CONFIG", "expect_known_keras_file"]
