"""Every format is read with its ids and titles, and both parsers agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset


def load(directory: Path, **settings: object) -> Dataset:
    return load_dataset(DataConfig(**{"name": "toy", "format": "auto", **settings}), directory)  # type: ignore[arg-type]


def pairs(dataset: Dataset) -> set[tuple[object, object]]:
    """All (user id, item id) of training and test."""
    catalogue, found = dataset.catalogue, set()
    for part in (dataset.train, dataset.test):
        found |= {
            (catalogue.user_ids[u], catalogue.item_ids[i])
            for u, i in zip(part.users, part.items, strict=True)
        }
    return found


def test_movielens_1m(movielens_1m: Path, rows: list) -> None:
    dataset = load(movielens_1m)
    assert dataset.format == "movielens-1m"
    assert not dataset.synthetic and dataset.best_hr_at_10 is None
    assert "no redistribution" in dataset.licence
    assert pairs(dataset) == {(row.user, row.item) for row in rows}
    assert dataset.catalogue.item_ids[0] == 1000
    assert dataset.catalogue.titles[0] == "Café 1000 (1999)"  # latin-1
    assert dataset.catalogue.genres[0] == ("Drama", "Musical")
    assert dataset.quality.lines_read == len(rows)
    assert dataset.train.users.dtype == dataset.test.negatives.dtype == np.int32
    assert sum(dataset.catalogue.popularity) == len(dataset.train)


def test_movielens_100k(tmp_path: Path, rows: list) -> None:
    (tmp_path / "u.data").write_text("".join(f"{r.user}\t{r.item}\t{r.rating:g}\t{r.time}\n" for r in rows))
    flags = "|".join("1" if position in (5, 18) else "0" for position in range(19))
    (tmp_path / "u.item").write_bytes(
        f"1000|Misérable (1995)|01-Jan-1995||http://x|{flags}\n".encode("latin-1")
    )
    dataset = load(tmp_path)
    assert dataset.format == "movielens-100k"
    assert pairs(dataset) == {(row.user, row.item) for row in rows}
    assert dataset.catalogue.titles[:2] == ("Misérable (1995)", "1001")
    assert dataset.catalogue.genres[:2] == (("Comedy", "Western"), ())
    assert dataset.quality.untitled_items == dataset.catalogue.items - 1


def test_movielens_csv(tmp_path: Path, rows: list) -> None:
    lines = ["userId,movieId,rating,timestamp", *(f"{r.user},{r.item},{r.rating},{r.time}" for r in rows)]
    (tmp_path / "ratings.csv").write_text("\r\n".join(lines) + "\r\n")
    (tmp_path / "movies.csv").write_text(
        'movieId,title,genres\n1000,"Second, The (2001)",(no genres listed)\n1001,"A ""B""",Drama|Film\n',
    )
    dataset = load(tmp_path)
    assert dataset.format == "movielens-csv"
    assert pairs(dataset) == {(row.user, row.item) for row in rows}
    assert dataset.catalogue.titles[:2] == ("Second, The (2001)", 'A "B"')
    assert dataset.catalogue.genres[:2] == ((), ("Drama", "Film"))


def test_any_csv_keeps_text_ids(csv_file: Path, rows: list) -> None:
    (csv_file.parent / "titles.tsv").write_text(
        "what\tname\ttags\nitem-1000\tOne\tred/ blue\n", encoding="utf-8"
    )
    dataset = load(
        csv_file.parent,
        format="csv",
        ratings="plays.csv",
        user_column="who",
        item_column="what",
        rating_column="stars",
        timestamp_column="when",
        items="titles.tsv",
        title_column="name",
        genres_column="tags",
        genre_separator="/",
    )
    assert pairs(dataset) == {(f"user, {row.user}", f"item-{row.item}") for row in rows}
    first = dataset.catalogue.item_ids.index("item-1000")
    assert dataset.catalogue.titles[first] == "One"
    assert dataset.catalogue.genres[first] == ("red", "blue")
    assert dataset.licence == "not stated"


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiter_is_detected_from_the_header(tmp_path: Path, rows: list, delimiter: str) -> None:
    lines = [delimiter.join(("item", "user")), *(f"{r.item}{delimiter}{r.user}" for r in rows)]
    (tmp_path / "r.txt").write_text("\n".join(lines))
    dataset = load(tmp_path, ratings="r.txt")
    assert dataset.format == "csv"
    assert pairs(dataset) == {(row.user, row.item) for row in rows}
    assert dataset.train.timestamps is None


def test_ids_that_are_not_canonical_integers_stay_text(tmp_path: Path, rows: list) -> None:
    (tmp_path / "r.csv").write_text("user,item\n" + "".join(f"{r.user:03},{r.item}\n" for r in rows))
    dataset = load(tmp_path, ratings="r.csv")
    assert dataset.catalogue.user_ids[0] == "001"
    assert dataset.catalogue.item_ids[0] == 1000


def test_ncf_split_is_kept(ncf: Path) -> None:
    dataset = load(ncf)
    assert dataset.format == "ncf"
    assert dataset.catalogue.items == 110
    assert dataset.test.items.tolist() == [101, 102, 104, 109]
    assert dataset.test.negatives.shape == (4, 99)
    assert 101 in dataset.test.negatives[0]  # metrics drop the duplicate
    assert dataset.catalogue.popularity[109] == 0
    assert dataset.quality.unseen_kept == 1
    assert dataset.train.timestamps is None  # all times are equal
    assert dataset.catalogue.titles[:3] == ('"Quoted" first', "Second", "2")
    assert dataset.catalogue.genres[:2] == (("Drama", "War"), ())


def test_ncf_row_of_an_unknown_user_is_dropped(ncf: Path) -> None:
    with (ncf / "toy.test.rating").open("a") as file:
        file.write("7\t3\t5\t1\n")
    with (ncf / "toy.test.negative").open("a") as file:
        file.write("(7,3)\t" + "\t".join(map(str, range(4, 103))) + "\n")
    dataset = load(ncf)
    assert len(dataset.test) == 4
    assert dataset.quality.unseen_dropped == 1
    assert any("is not in training, dropped: 1" in line for line in dataset.quality.lines())


def test_ncf_data_set_is_selected_by_ratings(ncf: Path) -> None:
    for suffix in ("train.rating", "test.rating", "test.negative"):
        (ncf / f"other.{suffix}").write_bytes((ncf / f"toy.{suffix}").read_bytes())
    assert len(load(ncf, ratings="other.train.rating").test) == 4


def test_minimum_rating(movielens_1m: Path, rows: list) -> None:
    dataset = load(movielens_1m, minimum_rating=2.0)
    low = sum(row.rating < 2 for row in rows)
    assert low and dataset.quality.below_minimum_rating == low
    assert pairs(dataset) == {(row.user, row.item) for row in rows if row.rating >= 2}


def ids_of(directory: Path, texts: list[str]) -> list[object]:
    """The item ids of a table with these texts."""
    others = {item: user for user in range(1, 12) for item in range(1000 + 12 * user, 1012 + 12 * user)}
    rows = [f"{user},{item}" for item, user in others.items()]
    rows += [f"{user},{text}" for user in range(1, 12) for text in texts]
    (directory / "r.csv").write_text("user,item\n" + "\n".join(rows) + "\n")
    found = load(directory, ratings="r.csv").catalogue.item_ids
    return [item for item in found if str(item) not in map(str, others)]


@pytest.mark.parametrize("text", ["7", "0", "-3", "123456789012345"])
def test_canonical_integers(tmp_path: Path, text: str) -> None:
    assert ids_of(tmp_path, [text]) == [int(text)]


@pytest.mark.parametrize("text", ["007", "+7", "1e3", "-0", "1234567890123456", "٣", "1.5"])
def test_other_ids_stay_text(tmp_path: Path, text: str) -> None:
    assert ids_of(tmp_path, [text]) == [text]


def test_same_files_and_seed_give_the_same_dataset(movielens_1m: Path) -> None:
    one, two = load(movielens_1m, seed=3), load(movielens_1m, seed=3)
    np.testing.assert_array_equal(one.test.negatives, two.test.negatives)
    assert not np.array_equal(one.test.negatives, load(movielens_1m, seed=4).test.negatives)
