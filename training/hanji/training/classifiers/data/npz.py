"""NumPy `.npz` files with Keras's array names: `x_train`, `y_train` and optionally `x_test`, `y_test`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hanji.training.archives import open_arrays
from hanji.training.classifiers.data.arrays import labelled_images, raw_images
from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.labelled import LabelledImages
from hanji.training.classifiers.data.parts import RawImages
from hanji.training.errors import DataError
from hanji.training.files import directory_listing, file_names

_ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def is_npz(name: str) -> bool:
    """Whether a file name has the extension of NumPy's archives."""
    return name.lower().endswith(".npz")


def read_npz(config: ImageDataConfig, directory: Path) -> RawImages:
    """Read the only `.npz` file of a directory; DataError if it does not contain such arrays.

    Images are uint8[N, height, width] or [N, height, width, channels], labels integers [N] or [N, 1].
    """
    path = _npz_file(directory)
    arrays = _load(path)
    test = _pair(arrays, "test", path) if "x_test" in arrays or "y_test" in arrays else None
    return raw_images(_pair(arrays, "train", path), test, config, str(path))


def _npz_file(directory: Path) -> Path:
    found = [name for name in file_names(directory) if is_npz(name) and not name.startswith(".")]
    if len(found) != 1:
        what = ", ".join(found) if found else directory_listing(directory)
        raise DataError(f"{directory}: expected one .npz file, found {what}; put each in its own directory")
    return directory / found[0]


def _load(path: Path) -> Mapping[str, NDArray[Any]]:
    with open_arrays(path, "write it with numpy.savez_compressed, or download it again") as arrays:
        return {name: arrays[name] for name in _ARRAYS if name in arrays.files}


def _pair(arrays: Mapping[str, NDArray[Any]], part: str, path: Path) -> LabelledImages:
    x, y = f"x_{part}", f"y_{part}"
    for name in (x, y):
        if name not in arrays:
            found = ", ".join(arrays) or f"none of {', '.join(_ARRAYS)}"
            raise DataError(f"{path}: expected an array {name}, found {found}")
    return labelled_images(arrays[x], arrays[y], f"{path}: ", (x, y))
