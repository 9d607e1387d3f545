"""Attributes of users: how they are read, and the groups that they form."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from hanji.training.commands import data as command
from hanji.training.errors import DataError, HanjiError
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.data.prepared import write_prepared
from hanji.training.recommenders.data.user_groups import user_groups


def load(directory: Path, **settings: object) -> Dataset:
    return load_dataset(DataConfig(**{"name": "toy", "format": "auto", **settings}), directory)  # type: ignore[arg-type]


def users_dat(directory: Path) -> None:
    """Users 1 to 12 in two genders, user 1 without one; every zip code is different; user 99 is unknown."""
    users = [*range(1, 13), 99]
    lines = [f"{user}::{'' if user == 1 else 'FM'[user % 2]}::{18 + user}::4::{user:05}" for user in users]
    (directory / "users.dat").write_text("\n".join(lines) + "\n")


def test_movielens_users_have_names_for_their_columns(movielens_1m: Path) -> None:
    users_dat(movielens_1m)
    dataset = load(movielens_1m, users="users.dat")
    ids = dataset.catalogue.user_ids
    assert set(dataset.user_attributes) == {"gender"}
    gender = dict(zip(ids, dataset.user_attributes["gender"], strict=True))
    assert (gender[1], gender[2], gender[3]) == ("", "F", "M") and gender[80] == ""
    assert dataset.quality.notes[-3:] == tuple(
        f"column {name!r} of the users file has {count} different values, not 2 to 12: not "
        "used, unless data.user_attributes names it"
        for name, count in (("age", 13), ("occupation", 1), ("zip code", 13))
    )


def test_nothing_else_depends_on_them(movielens_1m: Path) -> None:
    users_dat(movielens_1m)
    with_users, without = load(movielens_1m, users="users.dat"), load(movielens_1m)
    assert with_users.catalogue == without.catalogue
    assert with_users.content == without.content
    assert without.user_attributes == {}


def test_columns_that_are_named_are_used(movielens_1m: Path) -> None:
    users_dat(movielens_1m)
    dataset = load(movielens_1m, users="users.dat", user_attributes=("age",))
    ages = dict(zip(dataset.catalogue.user_ids, dataset.user_attributes["age"], strict=True))
    assert set(dataset.user_attributes) == {"age"} and ages[5] == "23"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("users.csv", "user_id,age_group,city\n{},young,\n{},old,\n"),
        ("toy.user", "user_id:token\tage_group:token\tcity:token\n{}\tyoung\t\n{}\told\t\n"),
        ("people.csv", "id;age_group\n{};young\n{};old\n"),
    ],
)
def test_tables_of_users(csv_file: Path, name: str, text: str) -> None:
    quoted = '"user, {}"' if "," in text.splitlines()[0] else "user, {}"
    (csv_file.parent / name).write_text(text.format(quoted.format(3), quoted.format(4)))
    columns = {"user_column": "who", "item_column": "what", "timestamp_column": "when"}
    dataset = load(csv_file.parent, format="table", ratings="plays.csv", users=name, **columns)
    found = dict(zip(dataset.catalogue.user_ids, dataset.user_attributes["age_group"], strict=True))
    assert (found["user, 3"], found["user, 4"], found["user, 5"]) == ("young", "old", "")
    assert "city" not in dataset.user_attributes


def test_groups_are_of_ten_users_or_more() -> None:
    attributes = {"age": tuple(["7"] * 10 + ["30"] * 12 + ["100"] * 9 + [""] * 20)}
    groups = user_groups(attributes, np.arange(50, dtype=np.int32))
    assert [(group.attribute, group.value, int(group.mask.sum())) for group in groups] == [
        ("age", "7", 10),
        ("age", "30", 12),
    ]
    assert user_groups(attributes, np.zeros(50, np.int32)) == []  # 50 rows of one user


def test_check_shows_them(movielens_1m: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    users_dat(movielens_1m)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('name = "toy"\n[data]\nname = "toy"\nformat = "movielens-1m"\nusers = "users.dat"\n')
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    page = tmp_path / "page.html"
    arguments = ["check", str(movielens_1m), "--recipe", str(recipe), "--html", str(page)]
    assert command.run(parser.parse_args(arguments)) == 0
    assert "gender: known of 11 of 1" in capsys.readouterr().out
    assert "Attributes of users" in page.read_text(encoding="utf-8")


def test_prepared_data_has_them(movielens_1m: Path, tmp_path: Path) -> None:
    users_dat(movielens_1m)
    dataset = load(movielens_1m, users="users.dat")
    write_prepared(dataset, tmp_path / "prepared")
    assert load(tmp_path / "prepared").user_attributes == dataset.user_attributes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"users": "nobody.csv"}, r"nobody\.csv: expected a file, found none"),
        ({"users": "movies.dat"}, r"set data\.users_id_column"),
        ({"users": "users.dat", "user_attributes": ("height",)}, r"expected a column 'height'"),
        ({"users": "users.dat", "users_id_column": "name"}, r"expected a column 'name'"),
    ],
)
def test_errors_name_the_file_and_the_key(
    movielens_1m: Path, settings: dict[str, object], message: str
) -> None:
    users_dat(movielens_1m)
    with pytest.raises(DataError, match=message):
        load(movielens_1m, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"user_attributes": ("age",)}, "user_attributes: needs the name of the users file"),
        ({"users_id_column": "id"}, "users_id_column: needs the name of the users file"),
        ({"users": "users.dat", "format": "memory"}, 'format "memory" reads no files'),
    ],
)
def test_keys_without_a_file(settings: dict[str, object], message: str) -> None:
    with pytest.raises((ValueError, HanjiError), match=message):
        DataConfig(**{"name": "toy", "format": "auto", **settings})  # type: ignore[arg-type]
