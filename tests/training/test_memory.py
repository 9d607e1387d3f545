"""In-memory data: equal to the same data from files, and errors name the invalid argument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.training import DataConfig, DataError, Dataset, ImageDataConfig, ImageDataset, load_dataset

RNG = np.random.default_rng(5)
USERS = np.repeat(np.arange(40) + 100, 12)
ITEMS = np.concatenate([RNG.choice(150, 12, replace=False) for _ in range(40)]) + 1000
RATINGS = RNG.integers(1, 6, len(USERS)).astype(float)
TIMES = RNG.permutation(len(USERS)) + 1_600_000_000
TITLES = {1000 + index: f"Item {index}" for index in range(150)}
GENRES = {1000 + index: ("even" if index % 2 == 0 else "odd", "all") for index in range(150)}
CONFIG = DataConfig(
    "ours",
    "csv",
    ratings="ratings.csv",
    items="items.csv",
    rating_column="rating",
    timestamp_column="time",
    genres_column="genres",
    minimum_rating=2.0,
)


@pytest.fixture(scope="module")
def from_files(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("csv")
    rows = zip(USERS, ITEMS, RATINGS, TIMES, strict=True)
    ratings = ["user,item,rating,time", *(",".join(map(str, row)) for row in rows)]
    items = ["item,title,genres", *(f"{item},{TITLES[item]},{'|'.join(GENRES[item])}" for item in TITLES)]
    (folder / "ratings.csv").write_text("\n".join(ratings) + "\n")
    (folder / "items.csv").write_text("\n".join(items) + "\n")
    return load_dataset(CONFIG, folder)


def frames() -> list[Any]:
    """The interactions and items as data frames of each library."""
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    ratings = {"user": USERS, "item": ITEMS, "rating": RATINGS, "time": TIMES}
    ids = list(TITLES)
    items = {"item": ids, "title": list(TITLES.values()), "genres": [list(GENRES[item]) for item in ids]}
    joined = {**items, "genres": ["|".join(GENRES[item]) for item in ids]}
    return [
        pytest.param(pd.DataFrame(ratings), pd.DataFrame(joined), id="pandas"),
        pytest.param(pl.DataFrame(ratings), pl.DataFrame(items), id="polars"),
        pytest.param(pa.table(ratings), pa.table(items), id="pyarrow"),
        pytest.param(
            DataframeProtocol(pd.DataFrame(ratings)), DataframeProtocol(pd.DataFrame(joined)), id="protocol"
        ),
    ]


class DataframeProtocol:
    """A frame that supports only ``__dataframe__``, as in older libraries."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __dataframe__(self, *arguments: Any, **options: Any) -> Any:
        import pyarrow as pa

        return pa.Table.from_pandas(self._frame, preserve_index=False).__dataframe__(*arguments, **options)


def assert_same(one: Dataset, other: Dataset) -> None:
    assert one.catalogue == other.catalogue
    for part in ("train", "test"):
        arrays, expected = vars(getattr(one, part)), vars(getattr(other, part))
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, expected[name], err_msg=f"{part}.{name}")


def test_arrays_equal_the_same_data_from_a_file(from_files: Dataset) -> None:
    config = DataConfig("ours", "memory", minimum_rating=2.0)
    dataset = Dataset.from_arrays(
        USERS, ITEMS, ratings=RATINGS, timestamps=TIMES, titles=TITLES, genres=GENRES, config=config
    )
    assert_same(dataset, from_files)
    assert (dataset.name, dataset.format, dataset.config) == ("ours", "memory", config)


@pytest.mark.parametrize(("frame", "items"), frames())
def test_data_frames_equal_the_same_data_from_a_file(from_files: Dataset, frame: Any, items: Any) -> None:
    assert_same(Dataset.from_dataframe(frame, items=items, config=CONFIG), from_files)


def test_text_ids_and_datetime_timestamps() -> None:
    import pandas as pd

    users = [f"user {user}" for user in USERS]
    dates = np.datetime64("2020-01-01", "s") + (TIMES - TIMES.min()).astype("timedelta64[s]")
    plain = Dataset.from_arrays(users, ITEMS, timestamps=TIMES)
    dated = Dataset.from_arrays(np.array(users), ITEMS.tolist(), timestamps=dates)
    frame = pd.DataFrame({"who": pd.Categorical(users), "what": ITEMS, "when": dates})
    config = DataConfig("f", "memory", user_column="who", item_column="what", timestamp_column="when")
    assert_same(dated, Dataset.from_dataframe(frame, config=config))
    np.testing.assert_array_equal(plain.train.items, dated.train.items)
    np.testing.assert_array_equal(plain.test.items, dated.test.items)
    assert plain.catalogue.user_ids[0].startswith("user ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"users": USERS[:0], "items": ITEMS[:0]}, "users: expected interactions, found an empty array"),
        ({"items": ITEMS[:5]}, "items: expected 480 ids, as many as users, found 5"),
        ({"users": USERS.reshape(-1, 2)}, r"users: expected a 1-D array of ids, found the shape \[240, 2\]"),
        ({"users": USERS + 0.5}, "users: expected integers or text, found float64"),
        ({"users": [*USERS[:-1].tolist(), "me"]}, "users: .* found 'me' in row 479"),
        ({"users": [*USERS[:-1].tolist(), None]}, "users: .* found None in row 479"),
        ({"ratings": RATINGS[1:]}, r"ratings: expected 480 numbers, found the shape \[479\]"),
        ({"ratings": ["good"] * 480}, "ratings: expected numbers, found"),
        ({"ratings": np.where(RATINGS == 1, np.nan, RATINGS)}, "ratings: .*found nan in row"),
        ({"timestamps": np.array(["NaT"] * 480, "datetime64[s]")}, "timestamps: .*found none in row 0"),
    ],
)
def test_errors_name_the_invalid_array(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Dataset.from_arrays(**{"users": USERS, "items": ITEMS, **change})


def test_errors_name_the_invalid_column() -> None:
    import pandas as pd
    import pyarrow as pa

    frame = pd.DataFrame({"user": USERS, "thing": ITEMS})
    with pytest.raises(DataError, match="frame: expected a column 'item', found user, thing"):
        Dataset.from_dataframe(frame)
    gaps = pa.table({"user": [*USERS[:-1].tolist(), None], "item": ITEMS})
    with pytest.raises(DataError, match=r"frame\['user'\]: expected a value, found none in row 479"):
        Dataset.from_dataframe(gaps)
    with pytest.raises(DataError, match=r"frame: expected a data frame, .*found dict"):
        Dataset.from_dataframe({"user": USERS, "item": ITEMS})


def test_image_arrays_equal_the_same_data_from_a_file(tmp_path: Path) -> None:
    images = RNG.integers(0, 256, (90, 12, 10, 3), dtype=np.uint8)
    labels = np.arange(90) % 3
    np.savez(tmp_path / "data.npz", x_train=images, y_train=labels)
    config = ImageDataConfig("ours", "npz", labels=("a", "b", "c"), test=0.3)
    read = load_dataset(config, tmp_path, seed=4)
    given = ImageDataset.from_arrays(images, labels, config=config, seed=4)
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(given, part).images, getattr(read, part).images)
        np.testing.assert_array_equal(getattr(given, part).labels, getattr(read, part).labels)
    assert (given.labels, given.format) == (("a", "b", "c"), "memory")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((4, 8), np.uint8), np.zeros(4, int), "images: expected .*found .*4, 8"),
        (np.zeros((4, 8, 8)), np.zeros(4, int), "images: expected .*uint8.*found float64"),
        (np.zeros((4, 8, 8), np.uint8), np.zeros(3, int), "labels: .*3"),
        (np.zeros((4, 8, 8), np.uint8), np.zeros(4), "labels: expected one integer for each .*found float64"),
    ],
)
def test_errors_name_the_invalid_image_argument(images: Any, labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ImageDataset.from_arrays(images, labels)


def test_the_memory_format_cannot_be_loaded_from_files() -> None:
    with pytest.raises(DataError, match="the data came from Python arrays"):
        load_dataset(DataConfig("ours", "memory"))
    with pytest.raises(DataError, match="the data came from Python arrays"):
        load_dataset(ImageDataConfig("ours", "memory"))
