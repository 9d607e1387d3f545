"""IDX and `.npz` files, valid and invalid."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.training.classifiers.data import ImageDataConfig, ImageDataset, load_images
from hanji.training.errors import DataError

from .conftest import write_idx

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def load(directory: Path | None, form: Any = "idx", **settings: Any) -> ImageDataset:
    return load_images(ImageDataConfig(name="toy", format=form, **settings), directory, seed=1)


def error_of(directory: Path | None, form: Any = "idx", **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        load(directory, form, **settings)
    return str(caught.value)


def check_toy(dataset: ImageDataset, arrays: dict) -> None:
    """Check that a dataset is that of `arrays`, with a tenth of the training images held out."""
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (54, 6, 12)
    assert (dataset.height, dataset.width, dataset.channels) == (6, 5, 1)
    assert np.bincount(dataset.validation.labels).tolist() == [2, 2, 2]
    assert (dataset.test.images[..., 0] == arrays["x_test"]).all()
    for part in (dataset.train, dataset.validation):
        rows = part.images[:, 0, 0, 0]
        assert (part.images[..., 0] == arrays["x_train"][rows]).all()
        assert (part.labels == rows % 3).all()
        assert (np.diff(rows) > 0).all()  # the order of the file


def test_idx(idx: Path, arrays: dict) -> None:
    dataset = load(idx, labels=("a", "b", "c"), licence="MIT")
    check_toy(dataset, arrays)
    assert dataset.labels == ("a", "b", "c")
    assert dataset.licence == "MIT"


def test_npz(npz: Path, arrays: dict) -> None:
    dataset = load(npz, "npz")
    check_toy(dataset, arrays)
    assert dataset.labels == ("0", "1", "2")
    assert dataset.licence == "not stated"


@pytest.mark.parametrize("stem", ["", "emnist-balanced-"])
def test_gzipped_idx_with_other_names(idx: Path, arrays: dict, stem: str) -> None:
    for path in list(idx.iterdir()):
        name = stem + path.name.replace("t10k", "test").replace("-idx", ".idx")
        (idx / f"{name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    check_toy(load(idx), arrays)


def test_images_are_held_out_without_test_files(idx: Path) -> None:
    (idx / TEST_IMAGES).unlink()
    (idx / TEST_LABELS).unlink()
    dataset = load(idx, test=0.25, validation=0.2)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (36, 9, 15)
    assert np.bincount(dataset.test.labels).tolist() == [5, 5, 5]


def test_no_validation(idx: Path) -> None:
    dataset = load(idx, validation=0.0)
    assert (len(dataset.train), len(dataset.validation)) == (60, 0)
    assert dataset.validation.images.shape == (0, 6, 5, 1)


def test_seed_determines_the_split(idx: Path) -> None:
    def held_out(seed: int) -> list[int]:
        dataset = load_images(ImageDataConfig(name="toy", format="idx"), idx, seed=seed)
        return dataset.validation.images[:, 0, 0, 0].tolist()

    assert held_out(4) == held_out(4)
    assert len({tuple(held_out(seed)) for seed in range(6)}) == 6


def test_size_and_colour_conversion(idx: Path) -> None:
    dataset = load(idx, height=10, width=10, colour="rgb")
    assert dataset.train.images.shape == (54, 10, 10, 3)
    assert (dataset.train.images[..., 0] == dataset.train.images[..., 1]).all()


def test_rgb_npz_to_grey(tmp_path: Path) -> None:
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype=np.uint8)
    x = np.broadcast_to(np.tile(colours, (10, 1))[:, None, None, :], (30, 4, 4, 3))
    np.savez(tmp_path / "x.npz", x_train=x, y_train=np.arange(30)[:, None] % 3)
    dataset = load(tmp_path, "npz", colour="grey")
    assert dataset.channels == 1
    lumas = dataset.train.images[:, 0, 0, 0]
    assert {(int(y), int(v)) for y, v in zip(dataset.train.labels, lumas, strict=True)} == {
        (0, 76),
        (1, 150),
        (2, 29),
    }


def test_truncated_idx(idx: Path) -> None:
    path = idx / TRAIN_IMAGES
    path.write_bytes(path.read_bytes()[:-7])
    assert f"{TRAIN_IMAGES}: expected 1,800 values" in error_of(idx)
    assert "60×6×5 in its header, found 1,793: the file is truncated" in error_of(idx)


def test_idx_longer_than_its_header(idx: Path) -> None:
    with (idx / TEST_LABELS).open("ab") as file:
        file.write(b"more")
    message = f"{TEST_LABELS}: expected 12 values for the shape 12 in its header, found more than that"
    assert message in error_of(idx)


def test_truncated_or_corrupt_gzip(idx: Path) -> None:
    packed = gzip.compress((idx / TRAIN_IMAGES).read_bytes())
    (idx / TRAIN_IMAGES).unlink()
    path = idx / f"{TRAIN_IMAGES}.gz"
    for content in (packed[: len(packed) // 2], packed[:40] + b"\0\0\0\0" + packed[44:], b"no gzip at all"):
        path.write_bytes(content)
        assert f"{TRAIN_IMAGES}.gz: expected a complete gzip file" in error_of(idx)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "found an empty file"),
        (b"\x89PNG and more", "found 89 50 4e 47"),
        (b"\0\0\x0d\x03" + bytes(20), "found 00 00 0d 03"),
        (b"\0\0\x08\x05" + bytes(20), "found 00 00 08 05"),
        (b"\0\0\x08\x03\0\0", "a truncated file"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "the file is truncated"),
        (b"\0\0\x08\x03" + bytes(12), "found [0, 0, 0]"),
        (b"\0\0\x08\x01\0\0\0\x02ab", "found [2]"),
    ],
)
def test_other_files_with_an_idx_name(idx: Path, content: bytes, expected: str) -> None:
    (idx / TRAIN_IMAGES).write_bytes(content)
    message = error_of(idx)
    assert f"{TRAIN_IMAGES}: expected" in message
    assert expected in message


def test_missing_idx_files(idx: Path) -> None:
    (idx / TEST_LABELS).unlink()
    assert f"{TEST_IMAGES}: expected its labels in the same directory" in error_of(idx)
    (idx / TEST_IMAGES).unlink()
    (idx / TRAIN_IMAGES).unlink()
    assert f"{TRAIN_LABELS}: expected its images in the same directory" in error_of(idx)
    (idx / TRAIN_LABELS).unlink()
    assert f"expected {TRAIN_IMAGES}" in error_of(idx)


def test_two_idx_sets(idx: Path, arrays: dict) -> None:
    write_idx(idx / f"other-{TRAIN_IMAGES}", arrays["x_train"])
    assert "expected the files of one data set, found names that begin with '', 'other-'" in error_of(idx)


def test_labels_of_another_length(idx: Path, arrays: dict) -> None:
    write_idx(idx / TRAIN_LABELS, arrays["y_train"][:-1])
    assert f"{TRAIN_LABELS}: expected one label for each of 60 images, found 59" in error_of(idx)
    write_idx(idx / TRAIN_LABELS, arrays["x_train"])
    assert "found the shape [60, 6, 5]" in error_of(idx)


def test_test_images_of_another_size(idx: Path, arrays: dict) -> None:
    write_idx(idx / TEST_IMAGES, arrays["x_test"][:, :5])
    assert "expected test images of the training images' shape [6, 5, 1]" in error_of(idx)


def test_class_without_images(idx: Path, arrays: dict) -> None:
    write_idx(idx / TRAIN_LABELS, arrays["y_train"] // 2 * 2)
    assert "training images: expected images of every class, found none of 1;" in error_of(idx)
    write_idx(idx / TRAIN_LABELS, arrays["y_train"])
    write_idx(idx / TEST_LABELS, arrays["y_test"] % 2)
    assert "test images: expected images of every class, found none of c;" in error_of(
        idx, labels=tuple("abc")
    )


def test_labels_without_a_name(idx: Path) -> None:
    message = error_of(idx, labels=("a", "b"))
    assert "expected labels from 0 to 1, as data.labels has 2 names, found 2" in message


def test_one_class(idx: Path, arrays: dict) -> None:
    write_idx(idx / TRAIN_LABELS, arrays["y_train"] * 0)
    write_idx(idx / TEST_LABELS, arrays["y_test"] * 0)
    assert "at least two classes" in error_of(idx)


def test_class_too_small_to_hold_out(tmp_path: Path) -> None:
    y = np.array([0] * 20 + [1] * 2)
    np.savez(tmp_path / "x.npz", x_train=np.zeros((22, 4, 4), np.uint8), y_train=y)
    assert "class '1': expected at least 2 images" in error_of(tmp_path, "npz")
    assert len(load(tmp_path, "npz", validation=0.0).train) == 17


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"x_train": None}, "expected an array x_train, found y_train, x_test, y_test"),
        ({"y_test": None}, "expected an array y_test"),
        ({"x_train": np.zeros((60, 6, 5), np.float32)}, "x_train: expected uint8 pixels"),
        ({"x_train": np.zeros((60, 30), np.uint8)}, "found [60, 30]"),
        ({"x_train": np.zeros((60, 6, 5, 4), np.uint8)}, "found [60, 6, 5, 4]"),
        ({"y_train": np.zeros((60, 3), np.uint8)}, "argmax"),
        ({"y_train": np.zeros(60)}, "found float64 of shape [60]"),
        ({"y_train": np.full(60, -1)}, "expected labels from 0 to 65535, found -1 for image 0"),
        ({"y_train": np.full(60, 2**40)}, "found 1099511627776 for image 0"),
        ({"x_train": np.array([{"a": 1}], dtype=object)}, "plain arrays"),
    ],
)
def test_npz_with_other_arrays(npz: Path, arrays: dict, change: dict, expected: str) -> None:
    changed = {name: value for name, value in {**arrays, **change}.items() if value is not None}
    np.savez(npz / "toy.npz", **changed)
    message = error_of(npz, "npz")
    assert message.startswith(str(npz / "toy.npz"))
    assert expected in message


def test_other_files_with_an_npz_name(npz: Path) -> None:
    path = npz / "toy.npz"
    content = path.read_bytes()
    np.save(npz / "x.npy", np.zeros(3))
    for broken in (b"", b"nothing", content[:200], (npz / "x.npy").read_bytes()):
        path.write_bytes(broken)
        assert f"{path}: expected an .npz file of plain arrays" in error_of(npz, "npz")


def test_several_npz_files(npz: Path) -> None:
    (npz / "more.npz").write_bytes(b"")
    assert "expected one .npz file, found more.npz, toy.npz" in error_of(npz, "npz")


def test_files_need_a_directory(tmp_path: Path) -> None:
    assert "--data" in error_of(None)
    assert "expected a directory" in error_of(tmp_path / "none", "npz")
