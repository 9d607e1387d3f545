"""The recipe reference: complete, up to date, and readable on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hanji.runtime.cli import main
from hanji.studies.recipe_reference import lookup, reference_page, tables
from hanji.training.settings import read_toml

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "recipe-reference.md").read_text(encoding="utf-8")
    assert page == reference_page(), "run `make reference`"


def test_every_key_has_a_type_a_default_and_a_meaning() -> None:
    keys = [key for table in tables() for key in table.keys]
    assert len(keys) > 150
    for key in keys:
        assert key.type and key.default and key.meaning.endswith("."), key


def test_every_key_of_every_example_is_in_the_reference() -> None:
    known = {(table.file, table.task, table.name, key.name) for table in tables() for key in table.keys}
    checked = 0
    for path in (ROOT / "examples").glob("*.toml"):
        recipe = read_toml(path)
        if "model" not in recipe:
            continue
        task = recipe.get("task", "recommendation")
        found = [
            (name, key) for name in ("data", "model", "training", "export") for key in recipe.get(name, {})
        ]
        for step in recipe.get("compression", []):
            found += [(f"compression.{step['type']}", key) for key in step if key != "type"]
        for name, key in found:
            assert ("recipe file", task, name, key) in known, f"{path.name}: {name}.{key}"
            checked += 1
    assert checked > 100


def test_a_key_shows_type_range_unit_default_and_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "training.patience"]) == 0
    shown = capsys.readouterr().out
    assert "[training] (recommendation)" in shown
    assert "[training] (image-classification)" in shown
    assert "integer, at least 1, in epochs, default 3\n" in shown
    assert "validation NDCG@10" in shown


def test_a_table_shows_all_of_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "compression.cluster", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["clusters", "epochs", "learning_rate"]
    assert rows[0]["range"] == "at least 2"
    assert lookup("cluster.clusters") == lookup("compression.cluster.clusters") != []


def test_without_a_key_all_tables_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe"]) == 0
    assert capsys.readouterr().out.count("\n  ") >= len(tables())


def test_an_unknown_key_names_similar_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "epoch"]) == 1
    assert "epoch: no key or table of that name; did you mean epochs" in capsys.readouterr().err
