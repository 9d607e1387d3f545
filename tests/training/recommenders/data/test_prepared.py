"""Prepared data equals the data that it was made from, and is mapped into memory."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hanji.training.commands import data as command
from hanji.training.errors import DataError, HanjiError
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.data.prepared import write_prepared


def load(directory: Path, **settings: object) -> Dataset:
    return load_dataset(DataConfig(**{"name": "toy", "format": "auto", **settings}), directory)  # type: ignore[arg-type]


@pytest.fixture
def prepared(movielens_1m: Path, tmp_path: Path) -> Path:
    write_prepared(load(movielens_1m), tmp_path / "prepared")
    return tmp_path / "prepared"


def test_it_equals_the_files(movielens_1m: Path, prepared: Path) -> None:
    one, two = load(movielens_1m), load(prepared)
    assert two.format == "prepared"
    assert two.catalogue == one.catalogue
    assert two.quality == one.quality
    assert two.licence == one.licence
    assert two.content == one.content
    assert isinstance(two.train.items, np.memmap)
    for name in ("users", "items", "timestamps"):
        np.testing.assert_array_equal(getattr(two.train, name), getattr(one.train, name))
    for name in ("users", "items", "negatives"):
        np.testing.assert_array_equal(getattr(two.test, name), getattr(one.test, name))


def test_the_stored_content_is_that_of_the_arrays(prepared: Path) -> None:
    dataset = load(prepared)
    stored = dataset.content
    del vars(dataset)["content"]
    assert dataset.content == stored


def test_parquet_has_the_own_ids(prepared: Path, rows: list) -> None:
    table = pq.read_table(prepared / "interactions.parquet").to_pylist()
    assert {(row["user"], row["item"]) for row in table} == {(row.user, row.item) for row in rows}
    assert {row["part"] for row in table} == {"train", "test"}
    times = {(row.user, row.item): row.time for row in rows}
    assert all(row["time"] == times[row["user"], row["item"]] for row in table if row["part"] == "train")


def test_keys_that_would_not_apply_are_refused(prepared: Path) -> None:
    with pytest.raises(
        DataError, match=r"data.minimum_user_interactions: the data in .* is prepared already"
    ):
        load(prepared, minimum_user_interactions=5)
    assert load(prepared, licence="ours").licence == "ours"


def test_an_incomplete_directory_is_named(prepared: Path) -> None:
    (prepared / "train_items.npy").write_bytes(b"")
    with pytest.raises(DataError, match=r"train_items.npy: cannot be read .*run `hanji data prepare` again"):
        load(prepared)


def test_the_command(movielens_1m: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    out = str(tmp_path / "out")
    arguments = parser.parse_args(["prepare", str(movielens_1m), "--out", out])
    assert command.run(arguments) == 0
    assert "is ready" in capsys.readouterr().out
    assert load(tmp_path / "out").content == load(movielens_1m).content
    with pytest.raises(HanjiError, match="exists and is not empty"):
        command.run(arguments)
    assert command.run(parser.parse_args(["prepare", str(movielens_1m), "--out", out, "--replace"])) == 0
