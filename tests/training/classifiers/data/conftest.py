"""Small images in every supported format."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

CLASSES = ("bark", "leaf", "root")
EACH = 10


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    """Write `values` as an IDX file."""
    head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(head + values.tobytes())


def write_image(path: Path, *, level: int = 100, size: tuple[int, int] = (12, 9), mode: str = "RGB") -> None:
    """Write an image of a single level; `size` is (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes of ten images; the level of each is 80 · class + its number."""
    for label, name in enumerate(CLASSES):
        for number in range(EACH):
            write_image(tmp_path / name / f"{number:02}.png", level=80 * label + number)
    return tmp_path


@pytest.fixture
def arrays() -> dict[str, NDArray[np.uint8]]:
    """Sixty training and twelve test images, 6×5 in three classes; the first pixel is the image's number."""
    rng = np.random.default_rng(5)
    x_train = rng.integers(0, 256, (60, 6, 5), dtype=np.uint8)
    x_test = rng.integers(0, 256, (12, 6, 5), dtype=np.uint8)
    x_train[:, 0, 0] = np.arange(60)
    x_test[:, 0, 0] = np.arange(12) + 100
    y_train, y_test = (np.arange(count, dtype=np.uint8) % 3 for count in (60, 12))
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


@pytest.fixture
def idx(tmp_path: Path, arrays: dict[str, NDArray[np.uint8]]) -> Path:
    """The arrays as the four files of the MNIST family."""
    write_idx(tmp_path / "train-images-idx3-ubyte", arrays["x_train"])
    write_idx(tmp_path / "train-labels-idx1-ubyte", arrays["y_train"])
    write_idx(tmp_path / "t10k-images-idx3-ubyte", arrays["x_test"])
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", arrays["y_test"])
    return tmp_path


@pytest.fixture
def npz(tmp_path: Path, arrays: dict[str, NDArray[np.uint8]]) -> Path:
    """The arrays as an `.npz` file."""
    np.savez(tmp_path / "toy.npz", **arrays)
    return tmp_path
