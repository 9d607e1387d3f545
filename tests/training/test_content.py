"""Content hashes: equal for equal data, and different for any change of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.training import DataConfig, Dataset, ImageDataConfig, ImageDataset, load_dataset
from hanji.training.content import content_hash, obstacle_to_reuse, same_data
from hanji.training.recommenders.data.validation import train_validation_split

USERS, ITEMS = np.repeat(np.arange(12), 6), (np.repeat(np.arange(12), 6) * 3 + np.tile(np.arange(6), 12)) % 30
TIMES = np.tile(np.arange(6), 12) + 100
TITLES = {item: f"Title {item}" for item in range(30)}
GENRES = {item: ["Drama"] for item in range(30)}


def ratings(**changed: Any) -> Dataset:
    given = {"timestamps": TIMES, "titles": TITLES, "genres": GENRES, **changed}
    items = given.pop("items", ITEMS)
    return Dataset.from_arrays(USERS, items, **given)


def images(**changed: Any) -> ImageDataset:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 4, 4), dtype=np.uint8)
    pixels[changed.get("image", 0), 1, 1] ^= changed.get("bit", 0)
    labels = np.arange(60) % 3
    exchanged = changed.get("exchanged", [])
    labels[exchanged] = labels[exchanged[::-1]]
    config = ImageDataConfig("toy", "npz", labels=changed.get("labels", ("a", "b", "c")), test=0.2)
    return ImageDataset.from_arrays(pixels, labels, config=config, seed=changed.get("seed", 1))


def test_a_hash_depends_on_values_shapes_dtypes_and_order() -> None:
    array = np.arange(6, dtype=np.int32)
    others = [
        content_hash(array.astype(np.int64)),
        content_hash(array.reshape(2, 3)),
        content_hash(array[::-1]),
        content_hash(array, None),
        content_hash(array[:0]),
        content_hash([0, 1, 2, 3, 4, 5]),
    ]
    assert len({content_hash(array), *others}) == 7
    assert content_hash(array) == content_hash(array[::-1][::-1])
    assert content_hash(array.reshape(2, 3).T) == content_hash(np.ascontiguousarray(array.reshape(2, 3).T))


def other_item() -> Dataset:
    items = ITEMS.copy()
    items[0] = 29
    return ratings(items=items)


@pytest.mark.parametrize(
    "changed",
    [
        lambda: ratings(titles={**TITLES, 7: "Corrected"}),
        lambda: ratings(genres={**GENRES, 7: ["War"]}),
        lambda: ratings(timestamps=np.where(USERS == 3, TIMES[::-1], TIMES)),
        lambda: ratings(timestamps=None),
        other_item,
    ],
)
def test_any_change_of_the_ratings_changes_their_hash(changed: Callable[[], Dataset]) -> None:
    assert ratings().content == ratings().content
    assert changed().content != ratings().content


def test_a_fit_depends_on_the_interactions_alone() -> None:
    data, corrected = ratings(), ratings(titles={**TITLES, 7: "Corrected"})
    split = train_validation_split(data, seed=0)
    assert split.content == train_validation_split(corrected, seed=0).content
    assert split.content == train_validation_split(replace(data, test=split.validation), seed=0).content
    assert split.content != train_validation_split(other_item(), seed=0).content


@pytest.mark.parametrize(
    "changed", [{"bit": 1}, {"exchanged": [3, 4]}, {"labels": ("a", "b", "d")}, {"seed": 2}]
)
def test_any_change_of_the_images_changes_their_hash(changed: dict[str, Any]) -> None:
    assert images().content == images().content
    assert images(**changed).content != images().content


def test_a_fit_depends_on_the_training_and_validation_images_alone() -> None:
    data = images()
    assert replace(data, test=data.validation).training_content == data.training_content
    assert replace(data, validation=data.test).training_content != data.training_content
    assert replace(data, train=data.test).training_content != data.training_content


def test_files_of_the_same_data_have_the_same_hash(tmp_path: Path) -> None:
    config = DataConfig(name="toy", format="csv", ratings="r.csv", timestamp_column="time")
    lines = [f"{user},{item},{time}" for user, item, time in zip(USERS, ITEMS, TIMES, strict=True)]
    (tmp_path / "r.csv").write_text("user,item,time\n" + "\n".join(lines) + "\n")
    first = load_dataset(config, tmp_path).content
    assert load_dataset(replace(config, name="other"), tmp_path).content == first
    (tmp_path / "r.csv").write_text("user,item,time\n" + "\n".join(lines[:-1]) + "\n")
    assert load_dataset(config, tmp_path).content != first


def test_results_without_a_hash_are_not_reused() -> None:
    assert [same_data("a", "a"), same_data("a", "b"), same_data("", "b")] == [True, False, None]
    assert obstacle_to_reuse("a", "a") is None
    assert obstacle_to_reuse("a", "b") == "the data has changed"
    assert "does not record the data" in (obstacle_to_reuse("", "b") or "")
