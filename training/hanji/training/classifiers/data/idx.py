"""IDX files of the MNIST family, plain or gzipped.

A file consists of two zero bytes, the type of its values (8: unsigned bytes), the number of dimensions, each
dimension as a big-endian 32-bit integer, and the values. http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hanji.training.archives import largest_unpacked
from hanji.training.classifiers.data.arrays import as_images, raw_images
from hanji.training.classifiers.data.classes import as_labels
from hanji.training.classifiers.data.config import ImageDataConfig
from hanji.training.classifiers.data.labelled import LabelledImages
from hanji.training.classifiers.data.parts import RawImages
from hanji.training.errors import DataError
from hanji.training.files import directory_listing, file_names
from hanji.training.regular_files import regular_file

_NAME = re.compile(
    r"(?P<stem>(?:.*-)?)(?P<part>train|t10k|test)-(?P<kind>images|labels)[-.]idx\d-ubyte(\.gz)?"
)
_UNSIGNED_BYTE = 8


@dataclass(frozen=True)
class _Pair:
    images: Path
    labels: Path


def is_idx(name: str) -> bool:
    """Whether a file name is one of the MNIST family's."""
    return _NAME.fullmatch(name) is not None


def read_idx(config: ImageDataConfig, directory: Path) -> RawImages:
    """Read `*train-images*`, `*train-labels*` and, if present, `*t10k-*` or `*test-*`.

    Raises DataError for a file that is missing, not IDX, truncated, or inconsistent with the others.
    """
    train, test = _pairs(directory)
    return raw_images(_read_pair(train), None if test is None else _read_pair(test), config, str(directory))


def read_idx_file(path: Path) -> NDArray[np.uint8]:
    """The values of one IDX file in their shape; DataError unless it is a complete IDX file of bytes."""
    regular_file(path)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            shape = _shape(file.read, path)
            size = math.prod(shape)
            data = b"" if size > largest_unpacked(path.stat().st_size) else file.read(size + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: expected a complete gzip file, found {error}; download it again") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; check its permissions and type") from None
    if len(data) != size:
        found = "more than that" if len(data) > size else f"{len(data):,}: the file is truncated"
        raise DataError(
            f"{path}: expected {size:,} values for the shape {'×'.join(map(str, shape))} in its header, "
            f"found {found}; download it again"
        )
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _shape(read: Callable[[int], bytes], path: Path) -> tuple[int, ...]:
    head = read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] != _UNSIGNED_BYTE or not 1 <= head[3] <= 4:
        raise DataError(
            f"{path}: expected an IDX file of unsigned bytes, starting with 00 00 08 and the number of "
            f"dimensions, found {head.hex(' ') or 'an empty file'}; download it again, or unpack it if it is "
            "an archive"
        )
    sizes = read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise DataError(f"{path}: expected {head[3]} dimensions, found a truncated file; download it again")
    return struct.unpack(f">{head[3]}I", sizes)


def _read_pair(pair: _Pair) -> LabelledImages:
    images = as_images(read_idx_file(pair.images), str(pair.images))
    labels = read_idx_file(pair.labels)
    if labels.ndim != 1:
        raise DataError(
            f"{pair.labels}: expected one label for each image, found the shape {list(labels.shape)}"
        )
    return LabelledImages(images, as_labels(labels, len(images), str(pair.labels)))


def _pairs(directory: Path) -> tuple[_Pair, _Pair | None]:
    sets: dict[str, dict[tuple[str, str], Path]] = {}
    for match in filter(None, map(_NAME.fullmatch, file_names(directory))):
        part = "train" if match["part"] == "train" else "test"
        # If a file exists both plain and gzipped, either is used.
        sets.setdefault(match["stem"], {}).setdefault((part, match["kind"]), directory / match.string)
    if len(sets) > 1:
        stems = ", ".join(sorted(repr(stem) for stem in sets))
        raise DataError(
            f"{directory}: expected the files of one data set, found names that begin with {stems}; "
            "put each data set in its own directory"
        )
    paths = next(iter(sets.values()), {})
    train = _pair(paths, "train", directory)
    if train is None:
        raise DataError(
            f"{directory}: expected train-images-idx3-ubyte and train-labels-idx1-ubyte, plain or as .gz; "
            f"{directory_listing(directory)}"
        )
    return train, _pair(paths, "test", directory)


def _pair(paths: dict[tuple[str, str], Path], part: str, directory: Path) -> _Pair | None:
    images, labels = paths.get((part, "images")), paths.get((part, "labels"))
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        raise DataError(
            f"{images or labels}: expected its {'labels' if labels is None else 'images'} in the same "
            f"directory; {directory_listing(directory)}"
        )
    return _Pair(images, labels)
