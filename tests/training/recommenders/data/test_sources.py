"""Tables as people have them: any delimiter, encoding, compression, header, kind of id and of time."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from hanji.training.errors import DataError
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset

Rows = list[tuple[object, object, object]]


def rows_of() -> Rows:
    """Interactions (user, item, time) of twelve users: twelve own items each, and item 7 last.

    Only user 12 has it first, so that it is in training, too.
    """
    found: Rows = [(12, 7, 1_600_000_000)]
    for user in range(1, 13):
        found += [(user, 100 + 12 * user + step, 1_600_000_001 + step) for step in range(12)]
        found += [(user, 7, 1_600_000_500)] if user < 12 else []
    return found


def load(directory: Path, **settings: object) -> Dataset:
    return load_dataset(DataConfig(**{"name": "toy", "format": "auto", **settings}), directory)  # type: ignore[arg-type]


def text_of(rows: Rows, header: str, delimiter: str = ",") -> str:
    lines = [header, *(delimiter.join(map(str, row)) for row in rows)]
    return "\n".join(line for line in lines if line) + "\n"


def held_out(dataset: Dataset) -> set[object]:
    """The ids of the test items."""
    return {dataset.catalogue.item_ids[item] for item in dataset.test.items}


@pytest.mark.parametrize(
    "header", ["userId,movieId,date", "user_id,book_id,timestamp", "UserID,Artist ID,time", "reader,ISBN,ts"]
)
def test_columns_are_found_by_their_usual_names(tmp_path: Path, header: str) -> None:
    (tmp_path / "log.csv").write_text(text_of(rows_of(), header))
    dataset = load(tmp_path)
    assert held_out(dataset) == {7}
    user, item, time = header.split(",")
    assert dataset.quality.notes == (
        "files found by their columns: log.csv",
        f"columns found by name: user = {user!r}, item = {item!r}, time = {time!r}",
    )
    assert dataset.quality.notes[0] in dataset.quality.lines()


def test_a_ratings_csv_of_books_is_not_taken_for_movielens(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(text_of(rows_of(), "user_id,book_id,timestamp"))
    assert load(tmp_path).format == "csv"
    assert load(tmp_path).licence == "not stated"


@pytest.mark.parametrize(("name", "opener"), [("r.csv.gz", gzip.open), ("r.csv.zst", pa.output_stream)])
def test_compressed_files(tmp_path: Path, name: str, opener: object) -> None:
    path = str(tmp_path / name)
    stream = opener(path, "wb") if opener is gzip.open else pa.output_stream(path, compression="zstd")  # type: ignore[operator]
    with stream as file:
        file.write(text_of(rows_of(), "user,item,time").encode())
    assert len(load(tmp_path).train) == len(rows_of()) - 11


def test_parquet_and_json_lines_equal_csv(tmp_path: Path) -> None:
    users, items, times = (list(column) for column in zip(*rows_of(), strict=True))
    for name in ("csv", "parquet", "jsonl"):
        (tmp_path / name).mkdir()
    (tmp_path / "csv" / "r.csv").write_text(text_of(rows_of(), "user,item,time"))
    pq.write_table(
        pa.table({"user": users, "item": items, "time": times}), tmp_path / "parquet" / "r.parquet"
    )
    lines = [json.dumps({"user": u, "item": i, "time": t}) for u, i, t in rows_of()]
    (tmp_path / "jsonl" / "r.jsonl").write_text("\n".join(lines) + "\n")
    one, two, three = (load(tmp_path / name) for name in ("csv", "parquet", "jsonl"))
    for other in (two, three):
        assert other.catalogue == one.catalogue
        np.testing.assert_array_equal(other.train.items, one.train.items)
        np.testing.assert_array_equal(other.train.timestamps, one.train.timestamps)  # type: ignore[arg-type]
    assert [each.format for each in (one, two, three)] == ["csv", "parquet", "jsonl"]


def test_several_files_by_a_pattern_and_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for part in range(3):
        text = text_of(rows_of()[part * 52 : (part + 1) * 52], "user,item,time")
        (tmp_path / "logs" / f"2024-0{part}.csv").write_text(text)
    for name in ("logs/2024-*.csv", "logs"):
        assert len(load(tmp_path, ratings=name).train) == len(rows_of()) - 11
    with pytest.raises(DataError, match="expected a file, found none"):
        load(tmp_path, ratings="logs/2025-*.csv")


def test_names_that_look_like_patterns(tmp_path: Path) -> None:
    (tmp_path / "it's [1].csv").write_text(text_of(rows_of(), "user,item,time"))
    assert len(load(tmp_path).train) == len(rows_of()) - 11


def test_a_delimiter_at_the_end_of_each_line(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(text_of(rows_of(), "user,item,time").replace("\n", ",\n"))
    assert load(tmp_path).quality.malformed_lines == 0


def test_a_line_that_is_too_long_is_malformed(tmp_path: Path) -> None:
    for name, delimiter in (("a.csv", ","), ("b.tsv", "\t")):
        line = delimiter.join(("1", "x" * 2_100_000, "3"))
        header = delimiter.join(("user", "item", "time"))
        (tmp_path / name).write_text(text_of(rows_of(), header, delimiter) + line + "\n")
        quality = load(tmp_path, ratings=name).quality
        assert quality.malformed_examples == (f"{name}:{len(rows_of()) + 2}: the line is too long",)


def test_an_empty_column_of_times(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(text_of([(u, i, "") for u, i, _ in rows_of()], "user,item,time"))
    dataset = load(tmp_path)
    assert dataset.train.timestamps is None
    assert any("column 'time' is empty" in note for note in dataset.quality.notes)


def test_a_uri_of_a_file_and_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Store(fs.LocalFileSystem):  # type: ignore[misc]  # pyarrow has no types
        """Objects of a store as files."""

        @staticmethod
        def from_uri(uri: str) -> tuple[fs.FileSystem, str]:
            return Store(), uri.replace("s3:/", str(tmp_path))

    monkeypatch.setattr(fs, "FileSystem", Store)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "r.csv").write_text(text_of(rows_of(), "user,item,time"))
    for uri in ("s3://logs/r.csv", "s3://logs"):
        config = DataConfig(name="toy", format="table", ratings=uri)
        assert len(load_dataset(config, None).train) == len(rows_of()) - 11
    with pytest.raises(DataError, match=r"s3://.*cannot be read.*check the address and the credentials"):
        load(tmp_path, ratings="s3://nowhere.csv")


def test_a_uri_of_a_local_file_is_refused(tmp_path: Path) -> None:
    for uri in (tmp_path.as_uri(), "FILE:///etc/passwd"):
        with pytest.raises(
            ValueError, match=r"ratings: expected a file in the data directory, found '(?i:file):///"
        ):
            DataConfig(name="toy", format="table", ratings=uri)


def test_a_quote_in_a_tab_separated_file_is_a_character(tmp_path: Path) -> None:
    rows: Rows = [(u, f'"{i}' if step % 5 == 0 else i, t) for step, (u, i, t) in enumerate(rows_of())]
    (tmp_path / "r.tsv").write_text(text_of(rows, "user\titem\ttime", "\t"))
    dataset = load(tmp_path)
    assert dataset.quality.lines_read == len(rows)
    assert dataset.quality.malformed_lines == 0
    assert '"116' in dataset.catalogue.item_ids


def test_ids_that_span_lines_are_told(tmp_path: Path) -> None:
    rows: Rows = [*rows_of(), (1, '"two\nlines"', 5)]
    (tmp_path / "r.csv").write_text(text_of(rows, "user,item,time"))
    assert "ids that span several lines, check the quotes: 1" in load(tmp_path).quality.notes


def test_no_header(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(text_of(rows_of(), ""))
    dataset = load(tmp_path, ratings="r.csv")
    assert held_out(dataset) == {7}
    assert "columns found by position: user = '1', item = '2', time = '3'" in dataset.quality.notes
    columns = {"user_column": "1", "item_column": "2", "timestamp_column": "3"}
    assert held_out(load(tmp_path, ratings="r.csv", header=False, **columns)) == {7}
    with pytest.raises(DataError, match=r"expected a column 'user'.*data.header = false"):
        load(tmp_path, ratings="r.csv", rating_column="rating")


def test_decimal_commas(tmp_path: Path) -> None:
    lines = [f"{u};{i};{'0,5' if t == 1_600_000_003 else '4,5'};{t}" for u, i, t in rows_of()]
    (tmp_path / "r.csv").write_text("user;item;rating;time\n" + "\n".join(lines) + "\n")
    dataset = load(tmp_path, rating_column="rating", ratings="r.csv", minimum_rating=4.2)
    assert dataset.quality.below_minimum_rating == 12
    assert "ratings are read with a decimal comma" in dataset.quality.notes


def test_integers_in_a_float_column_meet_their_titles(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(text_of([(u, f"{i}.0", t) for u, i, t in rows_of()], "user,item,time"))
    (tmp_path / "items.csv").write_text("id,name\n7,Seven\n")
    dataset = load(tmp_path)
    assert dataset.catalogue.titles[dataset.catalogue.item_ids.index(7)] == "Seven"
    assert "item ids such as 43.0 are read as integers" in dataset.quality.notes


def test_titles_that_match_no_item_are_told(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(text_of([(u, f"0{i}", t) for u, i, t in rows_of()], "user,item,time"))
    (tmp_path / "items.csv").write_text("id,name\n7,Seven\n")
    message = "none of the 1 titles belongs to an item; ids of titles such as '7', of items such as '0112'"
    assert message in load(tmp_path).quality.notes


def times_of(directory: Path, texts: list[str], **settings: object) -> list[int]:
    """The stored times of user 1, whose first interactions have these texts."""
    rows = [(1, 500 + index, text) for index, text in enumerate(texts)]
    rows += [(2, 500 + len(texts) - 1 - index, text) for index, text in enumerate(texts)]
    rows += [(4 + index % 9, 600 + index, texts[0]) for index in range(110)]
    (directory / "r.csv").write_text(text_of(rows, "user,item,time"))  # type: ignore[arg-type]
    dataset = load(directory, ratings="r.csv", **settings)
    times = dataset.train.timestamps
    assert times is not None
    return times[dataset.train.users == 0].tolist()


def test_times_with_fractions_keep_their_order_and_distances(tmp_path: Path) -> None:
    assert times_of(tmp_path, ["0.098820", "0.110821", "0.5", "0.75"]) == [98_820, 110_821, 500_000]


def test_iso_times_and_time_zones(tmp_path: Path) -> None:
    texts = ["2005-04-02 23:53:47", "2005-04-03T08:53:48+09:00", "2005-04-02T23:53:49Z", "2005-04-03"]
    assert times_of(tmp_path, texts) == [1_112_486_027, 1_112_486_028, 1_112_486_029]


def test_times_in_another_format(tmp_path: Path) -> None:
    texts = ["02/04/2005 23:53", "02/04/2005 23:54", "03/04/2005 00:00"]
    with pytest.raises(DataError, match=r"column 'time': .*found '02/04/2005 23:53'.*timestamp_format"):
        times_of(tmp_path, texts)
    found = times_of(tmp_path, texts, timestamp_format="%d/%m/%Y %H:%M")
    assert found == [1_112_485_980, 1_112_486_040]
    assert load(tmp_path, ratings="r.csv", timestamp_column="").train.timestamps is None


def test_a_malformed_date_is_a_malformed_line(tmp_path: Path) -> None:
    rows: Rows = [(u, i, "2020-01-01" if i != 7 or u == 12 else "2020-01-02") for u, i, _ in rows_of()]
    (tmp_path / "r.csv").write_text(text_of([*rows, (1, 2, "yesterday")], "user,item,date"))
    quality = load(tmp_path).quality
    assert quality.bad_timestamps == quality.malformed_lines == 1
    assert quality.malformed_examples == (
        f"r.csv:{len(rows) + 2}: expected a date and time, found yesterday",
    )


@pytest.mark.parametrize("encoding", ["utf-16", "cp949"])
def test_other_encodings(tmp_path: Path, encoding: str) -> None:
    rows: Rows = [(f"사용자{u}", i, t) for u, i, t in rows_of()]
    (tmp_path / "r.csv").write_bytes(text_of(rows, "user,item,time").encode(encoding))
    if encoding == "cp949":
        with pytest.raises(DataError, match=r"r.csv:2: expected utf-8 text.*data.encoding"):
            load(tmp_path, ratings="r.csv")
    dataset = load(tmp_path, ratings="r.csv", encoding=None if encoding == "utf-16" else encoding)
    assert dataset.catalogue.user_ids[0] == "사용자1"


def test_malformed_json_lines(tmp_path: Path) -> None:
    lines = [json.dumps({"user": u, "item": i, "time": t}) for u, i, t in rows_of()]
    (tmp_path / "r.jsonl").write_text("\n".join([*lines, '{"user": 1,', '{"user": 1}']) + "\n")
    quality = load(tmp_path).quality
    assert quality.malformed_lines == 2
    assert quality.malformed_examples[0].startswith(f"r.jsonl:{len(lines) + 1}: expected a JSON object")
    assert quality.malformed_examples[1] == f"r.jsonl:{len(lines) + 2}: item is empty"


@pytest.mark.parametrize(
    ("genres", "expected"),
    [
        ("A|B|A", ("A", "B")),
        ("A;B", ("A", "B")),
        ("['A', 'B']", ("A", "B")),
        ('["A", "B"]', ("A", "B")),
        ("[{'id': 1, 'name': 'A'}, {'id': 2, 'name': 'B'}]", ("A", "B")),
        ('[{"id": 1, "name": "A"}]', ("A",)),
        ("nan", ()),
        ("[]", ()),
        ("(no genres listed)", ()),
    ],
)
def test_genres_in_any_form(tmp_path: Path, genres: str, expected: tuple[str, ...]) -> None:
    (tmp_path / "r.csv").write_text(text_of(rows_of(), "user,item,time"))
    (tmp_path / "items.tsv").write_text(f"item\ttitle\tgenres\n7\tSeven\t{genres}\n")
    catalogue = load(tmp_path).catalogue
    assert catalogue.genres[catalogue.item_ids.index(7)] == expected


def test_parquet_rows_without_an_id_are_malformed(tmp_path: Path) -> None:
    users, items, times = (list(column) for column in zip(*rows_of(), strict=True))
    table = pa.table({"user": [*users, None], "item": [*items, 7], "time": [*times, 5]})
    pq.write_table(table, tmp_path / "r.parquet")
    quality = load(tmp_path).quality
    assert (quality.lines_read, quality.malformed_lines) == (len(users) + 1, 1)
    assert quality.malformed_examples == (f"r.parquet:{len(users) + 1}: user is empty",)


def test_genres_in_parquet_lists(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(text_of(rows_of(), "user,item,time"))
    table = pa.table({"item": [7, 112], "title": ["Seven", "Other"], "genres": [["A", "B"], None]})
    pq.write_table(table, tmp_path / "items.parquet")
    catalogue = load(tmp_path).catalogue
    assert catalogue.genres[catalogue.item_ids.index(7)] == ("A", "B")


def test_recbole(tmp_path: Path) -> None:
    header = "user_id:token\titem_id:token\ttimestamp:float"
    (tmp_path / "ml.inter").write_text(text_of(rows_of(), header, "\t"))
    (tmp_path / "ml.item").write_text(
        "item_id:token\tmovie_title:token_seq\tclass:token_seq\n7\tSeven\tDrama\n"
    )
    dataset = load(tmp_path)
    assert held_out(dataset) == {7}
    assert dataset.catalogue.titles[dataset.catalogue.item_ids.index(7)] == "Seven"


def test_pairs_in_time_order(tmp_path: Path) -> None:
    (tmp_path / "ml.txt").write_text("".join(f"{u} {i}\n" for u, i, _ in rows_of()))
    dataset = load(tmp_path)
    assert dataset.format == "pairs"
    assert held_out(dataset) == {7}


def lists_of(rows: Rows) -> str:
    """Lines "user item item …"."""
    users = dict.fromkeys(row[0] for row in rows)
    return "".join(f"{user} {' '.join(str(i) for u, i, _ in rows if u == user)}\n" for user in users)


def test_sequences_in_time_order(tmp_path: Path) -> None:
    (tmp_path / "beauty.txt").write_text(lists_of(rows_of()))
    dataset = load(tmp_path)
    assert dataset.format == "sequences"
    assert held_out(dataset) == {7}
    assert len(dataset.train) == 12 * 12 + 1


def test_lightgcn_keeps_its_split(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(lists_of(rows_of()))
    (tmp_path / "test.txt").write_text("1 150 160\n2 170\n99 150\n")
    dataset = load(tmp_path)
    assert dataset.train.timestamps is None
    assert dataset.test.users.tolist() == [0, 0, 1]
    assert [dataset.catalogue.item_ids[item] for item in dataset.test.items] == [150, 160, 170]
    assert dataset.quality.unseen_dropped == 1
    own = set(dataset.train.items[dataset.train.users == 0].tolist()) | set(dataset.test.items[:2].tolist())
    assert not own & set(dataset.test.negatives[0].tolist())


def test_netflix(tmp_path: Path) -> None:
    blocks: dict[object, list[str]] = {}
    for user, item, _ in rows_of():
        date = "2005-09-06" if item == 7 and user != 12 else "2005-09-05"
        blocks.setdefault(item, []).append(f"{user},4,{date}")
    text = "".join(f"{item}:\n" + "\n".join(lines) + "\n" for item, lines in blocks.items())
    (tmp_path / "combined_data_1.txt").write_text(text + "broken\n")
    dataset = load(tmp_path)
    assert held_out(dataset) == {7}
    assert dataset.quality.malformed_lines == 1


@pytest.mark.parametrize("name", ["train.txt", "combined_data_1.txt"])
def test_lines_of_lists_that_are_too_long_or_in_another_encoding_are_told(tmp_path: Path, name: str) -> None:
    form = "sequences" if name == "train.txt" else "netflix"
    text = lists_of(rows_of()) if form == "sequences" else "7:\n" + "".join(f"{u},3,5\n" for u in range(9))
    (tmp_path / name).write_text(f"{text}1 {'9' * 2_100_000}\n")
    with pytest.raises(DataError, match=r"more than 0 malformed lines.*: the line is too long"):
        load(tmp_path, format=form, ratings=name, malformed_limit=0)
    (tmp_path / name).write_bytes(text.encode() + b"1 \xe9\n")
    with pytest.raises(DataError, match=r"expected utf-8 text, found the byte 0xe9"):
        load(tmp_path, format=form, ratings=name)


@pytest.mark.parametrize("key", ["ratings", "items", "users", "test"])
@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "parts/../../r.csv", "../*.csv"])
def test_a_name_leads_to_no_file_outside_of_the_data_directory(key: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: expected a file in the data directory, found"):
        DataConfig(**{"name": "toy", "format": "table", "ratings": "r.csv", "split": "given", key: name})  # type: ignore[arg-type]
