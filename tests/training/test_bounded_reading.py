"""What is read from a file is bounded: no content of a file becomes anything but one line."""

from __future__ import annotations

import gzip
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.runtime import cli
from hanji.runtime.errors import BundleError
from hanji.runtime.json_table import DEEPEST_JSON, json_value, parse_json
from hanji.studies.budget import Budget
from hanji.studies.task import task_named
from hanji.training import archives, json_files, settings
from hanji.training.archives import expect_ordinary, largest_unpacked, open_arrays, read_member
from hanji.training.classifiers.data import image_files
from hanji.training.errors import DataError, HanjiError, RecipeError
from hanji.training.files import FORMAT_VERSION, read_about
from hanji.training.json_files import read_json, read_own_json, read_text
from hanji.training.recipe_file import read_recipe_file
from hanji.training.recommenders.data import DataConfig
from hanji.training.recommenders.data.config import PREPARED
from hanji.training.recommenders.data.prepared import read_prepared
from hanji.training.recommenders.data.sources import files, header
from hanji.training.recommenders.data.sources.engine import open_engine
from hanji.training.recommenders.data.sources.files import find_files
from hanji.training.settings import read_toml
from hanji.training.task import PACKAGES


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    "content",
    [
        "seed = " + "9" * 5000,
        "seed = 0x" + "f" * 5000,
        "seed = 9223372036854775808",
        "a = " + nested(5000),
        "a = " + nested(DEEPEST_JSON),
        ".".join(["a"] * 3000) + " = 1",
        b"\xff\xfe",
        'a = "\\ud800"',
        '[[compression]]\ntype = ["a"]',
        "[data]\nratings = 5",
        "data = [1]",
        "training = 1979-05-27",
        'data.ratings = "a\\u0000b"',
        "[training]\nlearning_rate = inf",
        "[training]\nlearning_rate = nan",
        "[training]\nlearning_rate = -1.0",
        "[training]\nlearning_rate = 1" + "0" * 400,
    ],
)
def test_a_recipe_is_refused_in_one_line(
    tmp_path: Path, content: str | bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recipe.toml"
    text = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(b'name = "x"\n' + text + b"\n")
    assert cli.main(["build", str(path), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("hanji: error: ")
    assert str(path) in error
    assert error.count("\n") == 1
    assert len(error) < 500 + len(str(path))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"b": [{"a": 1, "a": 1}]}',
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": ' + nested(100_000) + "}",
        '{"a": 1',
        "",
    ],
)
def test_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError):
        json_value(text.encode())
    with pytest.raises(BundleError, match=r"a\.json: not a valid JSON file"):
        parse_json(text.encode(), "a.json")
    with pytest.raises(DataError, match="run `hanji train` again"):
        read_about(path, "hanji train")
    with pytest.raises(HanjiError, match="remove it, and run the command again"):
        read_own_json(path)


def test_the_depth_of_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(nested(DEEPEST_JSON))
    read_json(path)
    assert parse_json(f'{{"a": {nested(DEEPEST_JSON - 1)}}}'.encode(), "a.json").plain()
    path.write_text(nested(DEEPEST_JSON + 1))
    with pytest.raises(ValueError, match="nested deeper than 200 levels"):
        read_json(path)
    with pytest.raises(BundleError, match="nested deeper than 200 levels"):
        parse_json(f'{{"a": {nested(DEEPEST_JSON)}}}'.encode(), "a.json").plain()


def test_a_value_that_is_no_object_is_not_of_a_stage(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for value in ([], 5, None, {"format_version": [1]}):
        path.write_text(json.dumps(value))
        with pytest.raises(DataError, match="expected format version"):
            read_about(path, "hanji train")


def test_the_size_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_files, "LARGEST_BYTES", 10)
    monkeypatch.setattr(settings, "LARGEST_TOML_BYTES", 10)
    path = tmp_path / "a.json"
    path.write_text('"56789ab"'.ljust(10))
    assert read_json(path) == "56789ab"
    assert read_text(path)
    path.write_text('"56789ab"'.ljust(11))
    for read in (read_json, read_text):
        with pytest.raises(ValueError, match="expected at most 10 bytes, found 11"):
            read(path)
    path.write_text("name='abc'")
    assert read_toml(path) == {"name": "abc"}
    path.write_text("name='abc'\n")
    with pytest.raises(RecipeError, match="expected at most 10 bytes, found more"):
        read_toml(path)


def test_a_sparse_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(1_900_000_000)
    with pytest.raises(ValueError, match="found 1,900,000,000"):
        read_json(path)


def test_what_is_packed_unpacks_to_an_ordinary_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "ORDINARY_BYTES", 1000)
    assert largest_unpacked(1) == 1000
    assert largest_unpacked(6) == 1200
    path = tmp_path / "a.npz"
    for size, fits in ((1000, True), (100_000, False)):
        np.savez_compressed(path, images=np.zeros(size - 128, np.uint8))  # 128 bytes of header
        with zipfile.ZipFile(path) as archive:
            if fits:
                expect_ordinary(archive, path)
                assert read_member(archive, "images.npy", path, 1000)
                continue
            with pytest.raises(DataError, match=r"images\.npy: expected at most .* found 100,000"):
                expect_ordinary(archive, path)
            with pytest.raises(DataError, match="expected at most 1,000 bytes, found 100,000"):
                read_member(archive, "images.npy", path, 1000)
    with pytest.raises(DataError, match="expected at most"), open_arrays(path, "try again"):
        pass


@pytest.mark.parametrize("damage", ["not a zip", "cut", "missing", "pickled", "huge", "header"])
def test_damaged_arrays_are_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.npz"
    values = np.array([{}]) if damage == "pickled" else np.zeros(1000)
    np.savez(path, images=values)
    content = path.read_bytes()
    if damage == "not a zip":
        path.write_bytes(b"x")
    if damage == "cut":
        path.write_bytes(content[:500])
    if damage == "huge":
        with zipfile.ZipFile(path, "w") as archive, archive.open("images.npy", "w") as member:
            member.write(b"\x93NUMPY\x01\x00")
            about = {"descr": "|u1", "fortran_order": False, "shape": (10**15,)}
            np.lib.format.write_array_header_1_0(member, about)
    if damage == "header":
        path.write_bytes(content.replace(b"(1000,)", b"(1000, "))
    if damage == "missing":
        path.unlink()
    with pytest.raises(DataError, match=r"a\.npz: .*; try again"), open_arrays(path, "try again") as arrays:
        arrays["images"]


def test_compressed_text_of_an_extraordinary_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r.csv.gz").write_bytes(gzip.compress(b"user,item\n" + b"1,2\n" * 100))
    monkeypatch.setattr(archives, "LARGEST_RATIO", 0)
    with open_engine() as engine:
        monkeypatch.setattr(archives, "ORDINARY_BYTES", 410)
        assert len(find_files(tmp_path, "r.csv.gz", None, engine)) == 1
        monkeypatch.setattr(archives, "ORDINARY_BYTES", 409)
        with pytest.raises(DataError, match=r"r\.csv\.gz: expected at most 409 bytes from"):
            find_files(tmp_path, "r.csv.gz", None, engine)


def test_parquet_of_an_extraordinary_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.parquet"
    pq.write_table(pa.table({"user": [1] * 10_000, "item": [2] * 10_000}), path)
    monkeypatch.setattr(archives, "LARGEST_RATIO", 0)
    monkeypatch.setattr(archives, "ORDINARY_BYTES", 10_000)  # rows; their encoded bytes are fewer
    assert header.read_header(files.source_file(path)).columns == ("user", "item")
    monkeypatch.setattr(archives, "ORDINARY_BYTES", 9_999)
    with pytest.raises(DataError, match="expected at most 9,999 bytes and rows"):
        header.read_header(files.source_file(path))


def test_the_number_of_files_of_a_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        (tmp_path / f"{number}.csv").write_text("user,item\n1,2\n")
    for name in ("*.csv", "."):
        with open_engine() as engine:
            monkeypatch.setattr(files, "MOST_FILES", 3)
            assert len(find_files(tmp_path, name, None, engine)) == 3
            monkeypatch.setattr(files, "MOST_FILES", 2)
            with pytest.raises(DataError, match="expected at most 2 files, found more"):
                find_files(tmp_path, name, None, engine)


@pytest.mark.parametrize("line", ["user,item,c", "1,2,3", '{"user": 1, "item": 2, "c": 3}'])
def test_the_number_of_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    path = tmp_path / ("r.jsonl" if line.startswith("{") else "r.csv")
    path.write_text(line + "\n")
    monkeypatch.setattr(header, "MOST_COLUMNS", 3)
    assert len(header.read_header(files.source_file(path)).columns) == 3
    monkeypatch.setattr(header, "MOST_COLUMNS", 2)
    with pytest.raises(DataError, match="expected at most 2 columns, found 3"):
        header.read_header(files.source_file(path))


def test_the_number_of_entries_of_an_image_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").touch()
    monkeypatch.setattr(image_files, "MOST_ENTRIES", 3)
    assert len(image_files.entries_of(tmp_path)) == 3
    monkeypatch.setattr(image_files, "MOST_ENTRIES", 2)
    with pytest.raises(DataError, match="expected at most 2 files and folders, found more"):
        image_files.entries_of(tmp_path)


@pytest.mark.parametrize("name", list(PACKAGES))
def test_no_number_of_a_recipe_is_infinite(name: str) -> None:
    task = task_named(name)
    tables = (task.data_config, task.model_config, task.training_config, *task.recipe.step_types.values())
    checked = 0
    for table in (*tables, WrapSettings, Budget):
        needed = {"name": "small"} if table is Budget else {}
        for field, hint in settings.field_types(table).items():
            if "float" in str(hint):
                checked += 1
                for value in (float("inf"), float("-inf"), float("nan"), 10**400):
                    with pytest.raises(RecipeError, match=f"here.*{field}"):
                        settings.settings_from(table, {**needed, field: value}, "here")
                    is_tuple = "tuple" in str(hint)
                    with pytest.raises(ValueError, match=field):
                        table(**{**needed, field: (value,) if is_tuple else value})
    assert checked > 20


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
def test_what_the_machine_lacks_is_one_line(
    error: type[Exception],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(sys.modules[read_recipe_file.__module__], "read_toml", fail)
    assert cli.main(["build", str(tmp_path / "a.toml"), "--out", str(tmp_path / "out")]) == 1
    found = capsys.readouterr().err
    assert found.startswith("hanji: error: ")
    assert "; try: " in found
    assert found.count("\n") == 1


@pytest.mark.parametrize("values", [{}, {"split": 5, "training_interactions": "x"}, {"quality": None}])
def test_damaged_prepared_data(tmp_path: Path, values: dict[str, object]) -> None:
    for name in ("train_users", "train_items", "test_users", "test_items", "test_negatives"):
        np.save(tmp_path / f"{name}.npy", np.zeros(0))
    (tmp_path / PREPARED).write_text(json.dumps({"format_version": FORMAT_VERSION, **values}))
    with pytest.raises(DataError, match="run `hanji data prepare` again"):
        read_prepared(DataConfig(name="x", format="prepared"), tmp_path)
