"""Scikit-learn's digits, which are always available."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hanji.training.classifiers.data import ImageDataConfig, load_images
from hanji.training.errors import DataError


def test_digits() -> None:
    dataset = load_images(ImageDataConfig(), None, seed=0)
    assert (dataset.height, dataset.width, dataset.channels, dataset.classes) == (8, 8, 1, 10)
    assert dataset.labels == tuple("0123456789")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (1295, 143, 359)
    assert dataset.train.images.dtype == np.uint8
    assert dataset.train.labels.dtype == np.int32
    assert not dataset.synthetic
    assert "CC BY" in dataset.licence


def test_values_range_from_0_to_255() -> None:
    dataset = load_images(ImageDataConfig(), None, seed=0)
    levels = {round(value * 255 / 16) for value in range(17)}
    assert set(np.unique(dataset.train.images).tolist()) == levels


def test_every_digit_is_in_exactly_one_part() -> None:
    dataset = load_images(ImageDataConfig(), None, seed=3)
    parts = (dataset.train, dataset.validation, dataset.test)
    found = np.concatenate([part.images for part in parts]).reshape(-1, 64)
    expected = np.rint(load_digits().data * 255 / 16).astype(np.uint8)
    assert sorted(map(bytes, found)) == sorted(map(bytes, expected))


def test_size_and_colour_conversion() -> None:
    config = ImageDataConfig(height=12, width=16, colour="rgb", fit="stretch")
    dataset = load_images(config, None, seed=0)
    assert dataset.train.images.shape == (1295, 12, 16, 3)
    assert (dataset.train.images[..., 0] == dataset.train.images[..., 2]).all()
    assert dataset.fit == "stretch"


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="reads no files"):
        load_images(ImageDataConfig(), tmp_path, seed=0)


def test_names_in_other_languages() -> None:
    config = ImageDataConfig(names={"ko": list("영일이삼사오육칠팔구")})
    assert load_images(config, None, seed=0).names == {"ko": tuple("영일이삼사오육칠팔구")}
    with pytest.raises(DataError, match=r"data\.names\.ko: expected 10 names.*found 2"):
        load_images(ImageDataConfig(names={"ko": ["영", "일"]}), None, seed=0)
