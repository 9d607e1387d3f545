"""Each invalid input raises a DataError that states the problem, the place and what to try."""

from __future__ import annotations

from pathlib import Path

import pytest

from hanji.training.errors import DataError, RecipeError
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.data.validation import train_validation_split
from hanji.training.settings import settings_from


def load(directory: Path, **settings: object) -> Dataset:
    return load_dataset(DataConfig(**{"name": "toy", "format": "auto", **settings}), directory)  # type: ignore[arg-type]


def error_of(directory: Path, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        load(directory, **settings)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_missing_directory(tmp_path: Path) -> None:
    assert "expected a directory" in error_of(tmp_path / "nowhere")
    assert "nowhere" in error_of(tmp_path / "nowhere", format="movielens-1m")


def test_file_instead_of_directory(movielens_1m: Path) -> None:
    assert f"give its directory: {movielens_1m}" in error_of(movielens_1m / "ratings.dat")


def test_nothing_recognized(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    message = error_of(tmp_path)
    for expected in (
        "*.train.rating",
        "ratings.dat",
        "u.data",
        "ratings.csv",
        "notes.txt",
        'data.format = "csv"',
    ):
        assert expected in message


def test_two_formats(movielens_1m: Path) -> None:
    (movielens_1m / "u.data").write_text("1\t2\t3\t4\n")
    assert "movielens-1m and movielens-100k" in error_of(movielens_1m)


def test_missing_file(tmp_path: Path) -> None:
    (tmp_path / "other.dat").write_text("x")
    message = error_of(tmp_path, format="movielens-1m")
    assert "ratings.dat" in message and "contains other.dat" in message


@pytest.mark.parametrize("contents", ["", " \n\n"])
def test_empty_file(tmp_path: Path, contents: str) -> None:
    (tmp_path / "ratings.dat").write_text(contents)
    assert "found an empty file" in error_of(tmp_path)


def test_header_only(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,item\n")
    assert "no usable line" in error_of(tmp_path, ratings="r.csv")


def test_binary_file(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_bytes(b"1::2::3::4\nPK\x03\x04\0\0\0")
    message = error_of(tmp_path)
    assert "ratings.dat:2" in message and "unpack" in message


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"user,item\na,b\n\xe9,c\n")
    message = error_of(tmp_path, ratings="r.csv")
    assert "r.csv:3" in message and "UTF-8" in message


def test_no_permission(movielens_1m: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def refuse(path: Path, *arguments: str, **options: str) -> object:
        if path.name == "ratings.dat":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    message = error_of(movielens_1m)
    assert "ratings.dat" in message and "Permission denied" in message


def test_wrong_delimiter_in_a_file_without_header(tmp_path: Path, rows: list) -> None:
    (tmp_path / "ratings.dat").write_text("".join(f"{r.user}\t{r.item}\t5\t1\n" for r in rows))
    message = error_of(tmp_path)
    assert "ratings.dat:1: expected 4 fields separated by '::', found 1" in message
    assert "check format and delimiter" in message


def test_wrong_delimiter_in_the_config(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user;item\n1;2\n")
    message = error_of(tmp_path, ratings="r.csv", delimiter=",")
    assert "'user;item'" in message and "the header contains ';'" in message


def test_missing_column_lists_the_existing_ones(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("person,item,stars\n1,2,3\n")
    message = error_of(tmp_path, ratings="r.csv")
    assert "r.csv:1: expected a column 'user'" in message
    assert "'person', 'item', 'stars'" in message


def test_header_with_bare_carriage_returns(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"user,item\r1,2\r3,4\r")
    assert "r.csv:1: expected a header" in error_of(tmp_path, ratings="r.csv")


def test_two_columns_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,item,item\n1,2,3\n")
    assert "r.csv:1: expected different column names, found 'item' twice" in error_of(
        tmp_path, ratings="r.csv"
    )


def test_broken_archive_and_table(tmp_path: Path) -> None:
    (tmp_path / "r.csv.gz").write_bytes(b"user,item\n1,2\n")
    assert "r.csv.gz: cannot be read" in error_of(tmp_path)
    (tmp_path / "r.csv.gz").unlink()
    (tmp_path / "r.parquet").write_bytes(b"PAR1")
    assert "r.parquet: expected a Parquet file" in error_of(tmp_path)


def test_invalid_timestamp_format(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,item,time\n1,2,3\n")
    message = error_of(tmp_path, ratings="r.csv", timestamp_format="%Q")
    assert "data.timestamp_format" in message and "%Q" in message


def test_one_user(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("".join(f"1::{item}::5::{item}\n" for item in range(200)))
    assert "at least two users to learn from, found 1" in error_of(tmp_path)


def test_one_item(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("".join(f"{user}::1::5::1\n" for user in range(20)))
    assert "at least two items" in error_of(tmp_path)


def test_nothing_left(movielens_1m: Path) -> None:
    assert "minimum_rating" in error_of(movielens_1m, minimum_rating=6.0)


def test_minimum_rating_without_ratings(tmp_path: Path, rows: list) -> None:
    (tmp_path / "r.csv").write_text("user,item\n" + "".join(f"{r.user},{r.item}\n" for r in rows))
    assert "minimum_rating: the data has no rating column" in error_of(
        tmp_path, ratings="r.csv", minimum_rating=3.0
    )


def test_no_user_with_two_interactions(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("".join(f"{user}::{user}::5::1\n" for user in range(150)))
    assert "at least two interactions" in error_of(tmp_path)


def test_catalogue_too_small_for_the_negatives(tmp_path: Path) -> None:
    lines = [f"{user}::{item}::5::{item}" for user in range(3) for item in range(40 + user)]
    (tmp_path / "ratings.dat").write_text("\n".join(lines))
    message = error_of(tmp_path)
    assert "expected at least 10 items without an interaction for 90% of the users" in message
    assert "found 0 in a catalogue of 42 items; add items, or remove users" in message


def test_two_interactions_per_user_leave_none_for_validation(tmp_path: Path) -> None:
    lines = [f"{user}::{(user + step) % 40}::5::{step}" for user in range(40) for step in range(2)]
    (tmp_path / "ratings.dat").write_text("\n".join(lines))
    dataset = load(tmp_path)
    with pytest.raises(DataError, match="expected users with at least three interactions"):
        train_validation_split(dataset, seed=0)


def test_malformed_lines_are_counted_and_reported(movielens_1m: Path, rows: list) -> None:
    bad = [
        "1::2::3",
        "x::2::3::4",
        "1::::3::4",
        "1::2::nan::4",
        "5::1000::3::nan",
        "5::1001::3::-7",
        "5::1::inf::1",
    ]
    path = movielens_1m / "ratings.dat"
    path.write_text("\n".join(bad) + "\n" + path.read_text())
    quality = load(movielens_1m).quality
    assert quality.lines_read == len(rows) + len(bad)
    assert quality.malformed_lines == len(bad)
    assert quality.bad_timestamps == 2
    assert len(quality.malformed_examples) == 5
    assert quality.malformed_examples[0].startswith("ratings.dat:1: expected 4 fields")
    assert "ratings.dat:5: expected a time of at least 0, found nan" in quality.malformed_examples
    assert "malformed lines, left out: 7" in quality.lines()
    assert quality.table()["malformed_examples"] == list(quality.malformed_examples)


def test_malformed_lines_do_not_affect_valid_ones(movielens_1m: Path) -> None:
    clean = load(movielens_1m)
    path = movielens_1m / "ratings.dat"
    path.write_text(path.read_text() + "broken\n")
    with_malformed_line = load(movielens_1m)
    assert with_malformed_line.catalogue == clean.catalogue
    assert with_malformed_line.test.negatives.tolist() == clean.test.negatives.tolist()


def test_malformed_limit(movielens_1m: Path) -> None:
    path = movielens_1m / "ratings.dat"
    path.write_text(path.read_text() + "broken\n" * 3)
    assert load(movielens_1m, malformed_limit=3).quality.malformed_lines == 3
    message = error_of(movielens_1m, malformed_limit=2)
    assert "more than 2 malformed lines" in message and "malformed_limit" in message


def test_bad_quoting(csv_file: Path) -> None:
    columns = {"user_column": "who", "item_column": "what", "ratings": "plays.csv"}
    good = csv_file.read_text(encoding="utf-8")
    csv_file.write_text(good + '"a"b,c,1,2\n', encoding="utf-8")
    assert "bad quoting" in load(csv_file.parent, **columns).quality.malformed_examples[0]
    first = good.count("\n") + 1
    csv_file.write_text(good + '"never closed,c,1,2\nd,e,1,2\n', encoding="utf-8")
    assert f"plays.csv:{first}: a quote is opened and never closed" in error_of(csv_file.parent, **columns)


def test_malformed_titles_are_counted(movielens_1m: Path) -> None:
    with (movielens_1m / "movies.dat").open("a") as file:
        file.write("no title here\n")
    assert "movies.dat:" in load(movielens_1m).quality.malformed_examples[0]


@pytest.mark.parametrize(
    ("name", "replace", "by", "expected"),
    [
        (
            "toy.test.negative",
            "(1,102)\t",
            "(1,103)\t",
            "toy.test.negative:2: expected the pair of the same line in toy.test.rating, found (1,103)",
        ),
        ("toy.test.negative", "(1,102)\t", "(1,102)\t5\t", "found 100 fields"),
        ("toy.test.negative", "(1,102)", "1,102", "toy.test.negative:2: expected (user,item)"),
        ("toy.test.rating", "1\t102", "1 102", "toy.test.rating:2: expected tab-separated"),
        ("toy.test.rating", "3\t109\t5\t77\n", "", "expected the pair of the same line in toy.test.rating"),
        ("toy.test.rating", "3\t109\t5\t77\n", "3\t109\t5\t77\n2\t3\t1\t1\n", "expected 5 lines"),
    ],
)
def test_malformed_ncf_test_files(ncf: Path, name: str, replace: str, by: str, expected: str) -> None:
    path = ncf / name
    assert replace in path.read_text()
    path.write_text(path.read_text().replace(replace, by, 1))
    assert expected in error_of(ncf)


def test_ncf_without_its_test_files(ncf: Path) -> None:
    (ncf / "toy.test.negative").unlink()
    assert "toy.test.negative: expected a file" in error_of(ncf)


def test_ncf_files_of_different_data(ncf: Path) -> None:
    (ncf / "toy.train.rating").write_text("50\t1\t1\t0\n51\t2\t1\t0\n")
    assert "training and test files belong together" in error_of(ncf)


def test_several_ncf_data_sets(ncf: Path) -> None:
    (ncf / "other.train.rating").write_text("1\t1\t1\t0\n")
    assert "other.train.rating, toy.train.rating" in error_of(ncf)
    assert "*.train.rating file" in error_of(ncf, format="ncf", ratings="toy.csv")


def test_synthetic_refuses_a_directory(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="reads no files"):
        load_dataset(DataConfig(), tmp_path)


def test_files_need_a_directory() -> None:
    with pytest.raises(DataError, match="--data"):
        load_dataset(DataConfig(name="toy", format="auto"), None)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"format": "ncf"}, '"synthetic" is reserved'),
        ({"name": "x", "format": "csv"}, "needs the name of the ratings file"),
        ({"name": "x", "format": "csv", "ratings": "r", "delimiter": "::"}, "expected one character"),
        ({"name": "x", "format": "csv", "ratings": "r", "user_column": "item"}, "expected two columns"),
        ({"name": "x", "format": "xml"}, "expected one of"),
        ({"genre_separator": ""}, "at least one character"),
        ({"minimum_user_interactions": 0}, "expected at least 1, found 0"),
        ({"malformed_limit": -1}, "expected at least 0"),
        ({"encoding": "klingon"}, "expected the name of an encoding"),
        ({"synthetic_items": 150}, "synthetic_items: expected at least 280"),
        ({"synthetic_user": 150}, "did you mean 'synthetic_users'"),
    ],
)
def test_invalid_config(table: dict[str, object], expected: str) -> None:
    with pytest.raises(RecipeError, match=r"recipe.toml: data") as caught:
        settings_from(DataConfig, table, "recipe.toml: data")
    assert expected in str(caught.value)
