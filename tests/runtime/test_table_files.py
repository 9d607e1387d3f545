"""Table files: what export writes is what the runtime reads, and nothing malformed is accepted."""

from __future__ import annotations

import base64
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.export.recommenders.table_files import id_table
from hanji.runtime import BundleError, Recommender
from hanji.runtime import bundle as bundle_module
from hanji.runtime.ids import Ids, Items
from hanji.runtime.mapped_file import MappedFile
from hanji.runtime.table_file import read_ids, read_items
from hanji.training.errors import ConversionError

from ..table_files import items_of, use_table_files

TITLES = ["", "Vertigo", "한지", "Amélie", "😀😀", "Vertigo"]
GENRES = [["Drama"], [], ["War", "Drama"], ["Drama"], [], ["한국"]]
CASES = json.loads((Path(__file__).parents[1] / "table_files.json").read_text(encoding="utf-8"))
IDS: dict[str, list[Any]] = {
    "consecutive": list(range(-2, 4)),
    "integers": [30, -5, 2**53 - 1, 0, 7, -(2**53) + 1],
    "texts": ["b", "", "ab", "a", "é", "\U0001f600"],
}


def columns(kind: str) -> dict[str, Any]:
    return {"ids": IDS[kind], "titles": TITLES, "genres": GENRES, "popularity": [0, 5, 2**53 - 1, 1, 2, 3]}


def read(content: bytes) -> Items:
    return read_items(content, 6, "items.table")


@pytest.fixture(params=["bytes", "mapped"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[bytes], bytes | MappedFile]:
    """A function that returns the content as a reader gets it: in memory, or as an open file."""

    def mapped(content: bytes) -> MappedFile:
        (tmp_path / "items.table").write_bytes(content)
        return MappedFile(tmp_path / "items.table")

    return bytes if request.param == "bytes" else mapped


@pytest.mark.parametrize("kind", IDS)
def test_what_is_written_is_read(opened: Callable[[bytes], Any], kind: str) -> None:
    items = read_items(opened(items_of(columns(kind))), 6, "items.table")
    assert len(items) == 6
    assert list(items.ids.values) == IDS[kind]
    assert list(items.titles) == TITLES
    assert list(items.genres) == [tuple(genres) for genres in GENRES]
    assert items.popularity.dtype == np.int64
    assert items.popularity.tolist() == columns(kind)["popularity"]
    assert [items.ids.index_of(value) for value in IDS[kind]] == [0, 1, 2, 3, 4, 5]
    assert items.ids.indices_of(IDS[kind][::-1]) == [5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize("kind", IDS)
def test_columns_are_sequences_like_tuples(kind: str) -> None:
    items = read(items_of(columns(kind)))
    assert items.titles[-1] == "Vertigo"
    assert items.titles[1:5:2] == ("Vertigo", "Amélie")
    assert items.ids.values[-2:] == tuple(IDS[kind][-2:])
    assert items.genres[np.int32(2)] == ("War", "Drama")
    assert "한지" in items.titles
    for column in (items.titles, items.ids.values, items.genres):
        with pytest.raises(IndexError):
            column[6]


@pytest.mark.parametrize(
    ("kind", "value", "index"),
    [
        ("consecutive", "3", 5),
        ("consecutive", np.int64(-2), 0),
        ("consecutive", 4, None),
        ("consecutive", -3, None),
        ("consecutive", "03", None),
        ("integers", "30", 0),
        ("integers", np.int32(7), 4),
        ("integers", 10**40, None),
        ("integers", 8, None),
        ("integers", "x", None),
        ("texts", "aa", None),
        ("texts", "c", None),
        ("texts", 7, None),
        ("texts", "\ud800", None),
    ],
)
def test_ids_are_found_as_in_json(kind: str, value: Any, index: int | None) -> None:
    assert read(items_of(columns(kind))).ids.index_of(value) == index
    assert Ids(tuple(IDS[kind]), "item").index_of(value) == index


def test_a_million_ids_are_found_at_once() -> None:
    ids = np.random.default_rng(0).permutation(2**20).tolist()
    found = read_ids(id_table(ids), 2**20, "users.table")
    assert found.indices_of(ids[5000:5010]) == list(range(5000, 5010))


@pytest.mark.parametrize("takes", ["user", "history"])
def test_a_bundle_with_table_files_gives_the_same_answers(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, takes: str
) -> None:
    make = request.getfixturevalue("make_parts" if takes == "user" else "make_history_parts")
    json_bundle = make("onnx", text_ids=True).write(tmp_path / "json")
    parts = make("onnx", text_ids=True)
    use_table_files(parts.manifest, parts.files)
    tables = parts.write(tmp_path / "tables")
    monkeypatch.setattr(bundle_module, "MAPPED_FROM_BYTES", 1)
    query: dict[str, Any] = {"user": "u3"} if takes == "user" else {"history": ["i3", "i77", "?"]}
    with Recommender.open(json_bundle) as one, Recommender.open(tables) as other:
        for options in ({}, {"diversity": 0.5}, {"filter": lambda item: "War" in item.genres}):
            assert other.recommend(**query, **options) == one.recommend(**query, **options)
        assert other.self_test().passed


@pytest.mark.parametrize("case", CASES["tables"], ids=IDS)
def test_the_format_is_that_of_the_shared_cases(case: dict[str, Any]) -> None:
    """The ports read the same files: a changed format is a new version."""
    assert case["columns"] == columns(case["kind"])
    assert items_of(case["columns"]) == base64.b64decode(case["base64"])


@pytest.mark.parametrize("case", CASES["malformed_texts"], ids=lambda case: case["message"])
def test_malformed_tables_are_rejected(case: dict[str, Any]) -> None:
    """A 32-bit word of the table of texts has another value."""
    content = bytearray(items_of(columns("texts")))
    struct.pack_into("<I", content, case["position"], case["value"])
    with pytest.raises(BundleError) as caught:
        read(bytes(content))
    assert str(caught.value) == f"items.table: {case['message']}; export the bundle again"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "header: expected 56 bytes, found 0"),
        (b"{}" * 30, "header: expected a table file"),
        (items_of(columns("texts"))[:-8], "popularity: expected 48 bytes from byte 296 on, found 40"),
        (
            items_of(columns("texts")) + bytes(8),
            "size: expected 344 bytes.*, found 352",
        ),
        (items_of(columns("integers") | {"ids": [1, 2, 3, 3, 4, 5]}), "ids: expected unique ids"),
        (items_of(columns("integers") | {"ids": [2**53, 2, 3, 1, 4, 5]}), "ids: expected integers from -9"),
        (items_of(columns("integers") | {"ids": list(range(2**53 - 5, 2**53 + 1))}), "first id"),
        (items_of(columns("texts") | {"popularity": [-1] * 6}), "popularity: expected integers from 0 to 9"),
        (id_table(IDS["texts"]), "contents: expected 2"),
    ],
)
def test_malformed_files_are_rejected(content: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        read(content)


@pytest.mark.parametrize("kind", IDS)
def test_damaged_tables_are_rejected_or_harmless(kind: str) -> None:
    """Whatever is accepted can be read completely."""
    rng = random.Random(3)  # noqa: S311
    original = items_of(columns(kind))
    rejected = 0
    for _ in range(3000):
        content = bytearray(original)
        for _ in range(rng.randint(1, 3)):
            position = rng.randrange(len(content) // 4) * 4
            value = rng.choice([0, 1, 2**31, 2**32 - 1, rng.randrange(2**32), rng.randrange(8)])
            struct.pack_into("<I", content, position, value)
        cut = rng.choice([len(content)] * 9 + [rng.randrange(len(content))])
        try:
            items = read(bytes(content[:cut]))
        except BundleError:
            rejected += 1
        else:
            assert len(list(items.titles)) == len(list(items.genres)) == len(items.popularity) == 6
            assert [items.ids.index_of(value) for value in items.ids.values] == [0, 1, 2, 3, 4, 5]
    assert 1000 < rejected < 3000


def test_a_column_beyond_the_format_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hanji.export.recommenders.table_files.LARGEST_COUNT", 9)
    with pytest.raises(ConversionError, match="would have 10 bytes, expected at most 9; shorten the titles"):
        id_table(IDS["texts"])
