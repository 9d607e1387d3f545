"""Items of the items file that nobody interacted with: counted, and kept if the recipe says so."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from hanji.training.commands import data as command
from hanji.training.errors import DataError
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.data.prepared import write_prepared


def load(directory: Path, **settings: object) -> Dataset:
    return load_dataset(DataConfig(**{"name": "toy", "format": "auto", **settings}), directory)  # type: ignore[arg-type]


@pytest.fixture
def more_movies(movielens_1m: Path) -> Path:
    """MovieLens files with two movies that nobody rated, one of them before all others."""
    with (movielens_1m / "movies.dat").open("ab") as file:
        file.write(b"5::Early::Drama\n9000::Late::War\n")
    return movielens_1m


def test_they_are_counted_and_the_key_is_named(more_movies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = load(more_movies)
    assert dataset.catalogue.cold_items == 0 and dataset.quality.items_left_out == 2
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(["check", str(more_movies)])) == 0
    line = "items in the items file without interactions, left out (data.cold_items = true keeps them): 2"
    assert line in capsys.readouterr().out


def test_they_are_at_the_end_of_the_catalogue(more_movies: Path) -> None:
    without, dataset = load(more_movies), load(more_movies, cold_items=True)
    catalogue = dataset.catalogue
    assert catalogue.item_ids == (*without.catalogue.item_ids, 5, 9000)
    assert (catalogue.titles[-2:], catalogue.genres[-2:]) == (("Early", "Late"), (("Drama",), ("War",)))
    assert catalogue.popularity[-2:] == (0, 0)
    assert (catalogue.cold_items, catalogue.warm_items) == (2, without.catalogue.items)
    assert dataset.quality.items_left_out == 0
    np.testing.assert_array_equal(dataset.train.items, without.train.items)
    np.testing.assert_array_equal(dataset.test.negatives, without.test.negatives)


def test_items_that_nobody_rated_enough_are_among_them(movielens_1m: Path, rows: list) -> None:
    dataset = load(movielens_1m, cold_items=True, minimum_rating=2.0)
    bad = {row.item for row in rows} - {row.item for row in rows if row.rating >= 2.0}
    assert len(bad) > 5 and set(dataset.catalogue.item_ids[-len(bad) :]) == bad
    assert dataset.catalogue.cold_items == len(bad)


def test_ids_that_are_no_integers_do_not_fit_among_integers(more_movies: Path) -> None:
    with (more_movies / "movies.dat").open("ab") as file:
        file.write(b"A1::Letters::Drama\n")
    dataset = load(more_movies, cold_items=True)
    assert dataset.catalogue.cold_items == 2 and dataset.quality.items_left_out == 1
    assert "items without interactions whose id is no integer like all others, left out: 1" in (
        dataset.quality.notes
    )


def test_text_ids(csv_file: Path) -> None:
    known = ["item,title,genres", "item-1000,First,Drama", "item-1,Cold,Drama", "9,Also cold,"]
    (csv_file.parent / "items.csv").write_text("\n".join(known) + "\n")
    columns = {"user_column": "who", "item_column": "what", "timestamp_column": "when"}
    dataset = load(
        csv_file.parent,
        format="table",
        ratings="plays.csv",
        items="items.csv",
        items_id_column="item",
        cold_items=True,
        **columns,
    )
    assert dataset.catalogue.item_ids[-2:] == ("9", "item-1")


def test_without_texts_nothing_can_be_predicted(movielens_1m: Path) -> None:
    (movielens_1m / "movies.dat").write_text("5::Early::Drama\n9000::Late::War\n")
    with pytest.raises(DataError, match=r"expected titles or genres of items .* the 2 items .* check that"):
        load(movielens_1m, cold_items=True)


def test_prepared_data_knows_them(more_movies: Path, tmp_path: Path) -> None:
    dataset = load(more_movies, cold_items=True)
    write_prepared(dataset, tmp_path / "prepared")
    again = load(tmp_path / "prepared")
    assert again.catalogue == dataset.catalogue and again.quality == dataset.quality
    with pytest.raises(DataError, match=r"data\.cold_items: .* is prepared already"):
        load(tmp_path / "prepared", cold_items=True)
