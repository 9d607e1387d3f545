"""Properties and overview of an image dataset, and its config."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hanji.training.classifiers.data import ImageDataConfig, ImageDataset, LabelledImages, load_images
from hanji.training.classifiers.data.dataset import normalization_of
from hanji.training.classifiers.data.overview import overview_lines, overview_table
from hanji.training.errors import RecipeError
from hanji.training.settings import settings_from, table_from

FASHION = Path(__file__).resolve().parents[5] / "shared" / "data" / "fashion-mnist"


def samples(count: int, labels: list[int], seed: int = 0) -> LabelledImages:
    images = np.random.default_rng(seed).integers(0, 256, (count, 4, 5, 3), dtype=np.uint8)
    return LabelledImages(images, np.array(labels, dtype=np.int32))


@pytest.fixture
def dataset() -> ImageDataset:
    train, test = samples(8, [0] * 6 + [1] * 2), samples(3, [0, 0, 1], seed=1)
    test.images[1] = train.images[2]
    return ImageDataset(
        name="toy",
        format="folder",
        licence="none",
        synthetic=False,
        labels=("잎", "bark"),
        names={"en": ("leaf", "bark")},
        fit="pad",
        train=train,
        validation=samples(2, [0, 1]),
        test=test,
        config=ImageDataConfig(name="toy", format="folder", height=4, width=4),
        broken_images=("leaf/1.png: cut off",),
        left_out=("2 × .txt, neither PNG nor JPEG",),
    )


def test_normalization_equals_numpy(dataset: ImageDataset) -> None:
    mean, std = dataset.normalization
    pixels = dataset.train.images.reshape(-1, 3).astype(np.float64)
    assert mean == pytest.approx(pixels.mean(axis=0))
    assert std == pytest.approx(pixels.std(axis=0))


def test_normalization_of_many_images() -> None:
    images = np.random.default_rng(2).integers(0, 200, (3000, 3, 2, 1), dtype=np.uint8)
    assert normalization_of(images).mean == pytest.approx((images.mean(),))
    assert normalization_of(images) == normalization_of(images[::-1])


def test_deviation_is_at_least_1() -> None:
    assert normalization_of(np.full((4, 3, 3, 1), 7, np.uint8)) == ((7.0,), (1.0,))


def test_overview(dataset: ImageDataset) -> None:
    table = overview_table(dataset)
    assert table["pictures"] == {"train": 8, "validation": 2, "test": 3}
    assert table["classes"][0] == {"label": "잎", "train": 6, "validation": 1, "test": 2}
    assert table["imbalance"] == 3.0
    assert table["test_in_training"] == 1
    assert table["broken"] == ["leaf/1.png: cut off"]
    text = "\n".join(overview_lines(dataset))
    assert "4×5, RGB" in text
    assert "2, the largest 3 times the smallest" in text
    assert "6           1     2  잎" in text
    assert "left out: 2 × .txt" in text
    assert "test images with an exact copy in training: 1" in text


def test_config_round_trips_through_its_table() -> None:
    config = ImageDataConfig(name="x", format="idx", labels=("a", "b"), names={"ko": ["가", "나"]}, test=0.3)
    assert settings_from(ImageDataConfig, table_from(config), "x") == config


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"format": "idx"}, '"digits" is reserved'),
        ({"name": "x", "format": "folder"}, "needs both"),
        ({"name": "x", "format": "folder", "height": 9, "width": 9, "labels": ["a", "b"]}, "sub-folders"),
        ({"height": 9}, "or 0 for both, found 9 and 0"),
        ({"height": -1, "width": -1}, "height: expected at least 0 and at most 4096, found -1"),
        ({"height": 5000, "width": 9}, "height: expected at least 0 and at most 4096, found 5000"),
        ({"validation": 1.0}, "validation: expected at least 0 and below 1, found 1"),
        ({"validation": -0.1}, "validation: expected at least 0 and below 1, found -0.1"),
        ({"test": 0.0}, "test: expected at least 0.01 and below 1, found 0"),
        ({"broken_limit": 1.0}, "broken_limit: expected at least 0 and below 1, found 1"),
        ({"labels": ["a", "a"]}, "found 'a' more than once"),
        ({"labels": ["a", " "]}, "found an empty one"),
        ({"names": {"ko": ["a", "a"]}}, "names.ko: expected different names"),
        ({"names": {"ko": "ab"}}, "names.ko: expected a list of class names, found 'ab'"),
        ({"format": "zip"}, "expected one of"),
        ({"fit": "squeeze"}, "expected one of"),
        ({"color": "grey"}, "did you mean 'colour'"),
    ],
)
def test_invalid_config(table: dict[str, object], expected: str) -> None:
    with pytest.raises(RecipeError, match=r"recipe.toml: data") as caught:
        settings_from(ImageDataConfig, table, "recipe.toml: data")
    assert expected in str(caught.value)


def test_fashion_mnist() -> None:
    if not FASHION.is_dir():
        pytest.skip("no fashion-mnist in ../shared/data")
    dataset = load_images(ImageDataConfig(name="fashion-mnist", format="idx"), FASHION, seed=0)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (54_000, 6_000, 10_000)
    assert (dataset.height, dataset.width, dataset.channels, dataset.classes) == (28, 28, 1, 10)
    assert np.bincount(dataset.test.labels).tolist() == [1000] * 10
    # Published for the 60,000 training images: 0.2860 and 0.3530 of 255.
    assert dataset.normalization.mean[0] / 255 == pytest.approx(0.2860, abs=0.001)
    assert dataset.normalization.std[0] / 255 == pytest.approx(0.3530, abs=0.001)
