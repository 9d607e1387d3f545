"""`hanji data`."""

from __future__ import annotations

import argparse
import io
import json
import typing
from dataclasses import replace
from pathlib import Path

import pytest

from hanji.training.commands import data as command
from hanji.training.errors import DataError
from hanji.training.recommenders.data import fetch as fetch_module
from hanji.training.recommenders.data.config import Format


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def test_check(movielens_1m: Path, rows: list, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(movielens_1m)) == 0
    output = capsys.readouterr().out
    assert f"interactions   {len(rows):,}" in output
    assert "heaviest user  80 with 10 interactions" in output
    assert "Café" in output
    assert "nothing to report" not in output  # held-out items of a single user were returned to training


def test_check_as_json(movielens_1m: Path, rows: list, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(movielens_1m), "--format", "movielens-1m", "--json") == 0
    table = json.loads(capsys.readouterr().out)
    users = len({row.user for row in rows})
    assert table["users"] == users
    assert table["interactions"] == len(rows)
    assert table["density"] == pytest.approx(len(rows) / (users * table["items"]))
    assert table["quality"]["lines_read"] == len(rows)
    assert len(table["most_popular"]) == 10


def test_check_shows_distributions(movielens_1m: Path, rows: list, capsys, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    (movielens_1m / "movies.dat").write_text("1000::<b>First</b>::Drama\n")
    assert run("check", str(movielens_1m), "--html", str(page), "--json") == 0
    table = json.loads(capsys.readouterr().out)
    users = {row.user for row in rows}
    assert sum(entry["count"] for entry in table["per_user"]["histogram"]) == len(users)
    assert table["per_user"]["maximum"] == 10
    assert table["time"] == {"first": min(row.time for row in rows), "last": max(row.time for row in rows)}
    shares = [entry["interactions"] for entry in table["popularity"]["shares"]]
    assert shares == sorted(shares) and 0 < shares[0] <= shares[-1] <= 1
    html = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;First" in html and "<b>" not in html
    assert "<script" not in html and "http://" not in html
    assert run("check", str(movielens_1m)) == 0
    assert "per user       interactions: median" in capsys.readouterr().out


def test_check_with_a_recipe(csv_file: Path, rows: list, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = csv_file.parent / "recipe.toml"
    recipe.write_text(
        'name = "plays"\n[data]\nname = "plays"\nformat = "csv"\nratings = "plays.csv"\n'
        'user_column = "who"\nitem_column = "what"\ntimestamp_column = "when"\n'
    )
    assert run("check", str(csv_file.parent), "--recipe", str(recipe)) == 0
    assert f"{len(rows):,}" in capsys.readouterr().out


def test_check_reports_what_a_build_would_refuse(tmp_path: Path) -> None:
    lines = [f"{user}::{(user + step) % 40}::5::{step}" for user in range(40) for step in range(2)]
    (tmp_path / "ratings.dat").write_text("\n".join(lines))
    with pytest.raises(DataError, match="expected users with at least three interactions"):
        run("check", str(tmp_path))


def test_check_counts_untested_users_and_fewer_negatives(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {user: 40 if user == 0 else 8 for user in range(30)}
    lines = [f"{user}::{(user + step) % 45}::5::{step}" for user in own for step in range(own[user])]
    (tmp_path / "ratings.dat").write_text("\n".join(lines))
    assert run("check", str(tmp_path)) == 0
    output = capsys.readouterr().out
    assert "30, 29 of them with a test item, 29 with a validation item" in output
    assert "users with too few items without an interaction to be tested, in training only: 1" in output
    assert "items among which each held-out item is ranked, instead of 99: 32" in output
    assert run("check", str(tmp_path), "--json") == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["quality"]["users_untested"], table["quality"]["negatives"]) == (1, 32)
    assert (table["test_users"], table["validation_users"]) == (29, 29)


def test_check_of_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="contains no files"):
        run("check", str(tmp_path))


def test_fetch_needs_the_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(DataError, match="--accept-licence"):
        run("fetch", "movielens-1m", "--out", str(tmp_path / "out"))
    assert "research use only" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "accepted"), [("y\n", True), ("yes\n", True), ("\n", False), ("n\n", False)]
)
def test_fetch_prompts_for_the_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, accepted: bool
) -> None:
    stdin = io.StringIO(answer)
    stdin.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", stdin)
    fetched = []
    monkeypatch.setattr(fetch_module, "fetch", lambda archive, out: fetched.append((archive.name, out)))
    arguments = ("fetch", "movielens-100k", "--out", str(tmp_path / "out"))
    if accepted:
        assert run(*arguments) == 0
        assert fetched == [("movielens-100k", tmp_path / "out")]
    else:
        with pytest.raises(DataError, match="not accepted"):
            run(*arguments)
        assert not fetched


def test_fetch_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = replace(fetch_module.ARCHIVES["movielens-1m"], url="http://127.0.0.1:9/x")
    monkeypatch.setitem(fetch_module.ARCHIVES, "movielens-1m", archive)
    with pytest.raises(DataError, match="cannot be downloaded"):
        run("fetch", "movielens-1m", "--out", str(tmp_path / "out"), "--accept-licence")
    assert list(tmp_path.iterdir()) == []


def test_formats_are_those_of_the_config() -> None:
    assert {*command.FORMATS, "synthetic", "table", "csv", "memory"} == set(typing.get_args(Format))


def test_invalid_arguments() -> None:
    synthetic = ["check", "x", "--format", "synthetic"]
    for arguments in ([], ["fetch", "netflix", "--out", "x"], ["check"], synthetic):
        with pytest.raises(SystemExit) as caught:
            run(*arguments)
        assert caught.value.code == 2
