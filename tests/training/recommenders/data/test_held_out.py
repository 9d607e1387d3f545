"""The splits of people's own data, from recipes and from prepared data, and the validation items of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from hanji.runtime.cli import main
from hanji.training.errors import DataError
from hanji.training.recommenders.baselines.ensemble import fit_ensemble
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.data.validation import train_validation_split
from hanji.training.recommenders.evaluation import evaluate_candidates
from hanji.training.recommenders.tables import pair_scorer

USERS, ITEMS, PER_USER = 60, 120, 12
FIRST = datetime(2005, 1, 1, tzinfo=UTC)
Rows = list[tuple[int, int, int]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """(user, item, day): one a day of each user, in any order."""
    rng = np.random.default_rng(3)
    found: Rows = []
    for user in range(USERS):
        found += [(user, int(item), day) for day, item in enumerate(rng.permutation(ITEMS)[:PER_USER])]
    return [found[place] for place in rng.permutation(len(found))]


def last_of(rows: Rows, part: set[tuple[int, int]]) -> dict[int, int]:
    """The last item in time of each user, among these pairs."""
    return {user: item for user, item, _ in sorted(rows, key=lambda row: row[2]) if (user, item) in part}


def pairs(dataset: Dataset, part: object) -> set[tuple[int, int]]:
    ids = dataset.catalogue.user_ids, dataset.catalogue.item_ids
    return {(ids[0][u], ids[1][i]) for u, i in zip(part.users, part.items, strict=True)}  # type: ignore


def written(directory: Path, rows: Rows, name: str = "ratings.csv", form: str = "date") -> Path:
    def time(day: int) -> str:
        moment = FIRST + timedelta(days=day)
        return moment.strftime("%Y-%m-%d") if form == "date" else f"{moment.timestamp() * float(form):.0f}"

    lines = ["user,item,time", *(f"{user},{item},{time(day)}" for user, item, day in rows)]
    (directory / name).write_text("\n".join(lines) + "\n")
    return directory


def load(directory: Path, **keys: object) -> Dataset:
    return load_dataset(DataConfig(name="own", format="auto", **keys), directory)  # type: ignore[arg-type]


def expect_last_validation(dataset: Dataset, rows: Rows) -> None:
    """Each validation item is the last in time of its user's training interactions."""
    train = pairs(dataset, dataset.train)
    validation = pairs(dataset, train_validation_split(dataset, 0).validation)
    assert validation <= set(last_of(rows, train).items())
    assert len(validation) > USERS // 2


@pytest.mark.parametrize("keys", [{}, {"split": "random"}, {"split": "time", "test_share": 0.2}])
def test_validation_items_are_the_last_of_the_training(tmp_path: Path, rows: Rows, keys: dict) -> None:
    dataset = load(written(tmp_path, rows), **keys)
    if not keys:
        assert pairs(dataset, dataset.test) <= set(last_of(rows, {row[:2] for row in rows}).items())
    expect_last_validation(dataset, rows)


@pytest.mark.parametrize(
    ("form", "moment"),
    [
        ("date", "2005-01-09"),
        ("date", "2005-01-09T02:00:00+02:00"),
        ("1", "2005-01-09"),
        ("1e3", "2005-01-09 00:00"),
        ("1e6", "2005-01-09"),
        ("1", str((FIRST + timedelta(days=8)).timestamp())),
    ],
)
def test_the_test_begins_at_a_date(tmp_path: Path, rows: Rows, form: str, moment: str) -> None:
    dataset = load(written(tmp_path, rows, form=form), split="time", test_from=moment)
    late = {(user, item) for user, item, day in rows if day >= 8}
    early = {(user, item) for user, item, day in rows if day < 8}
    assert pairs(dataset, dataset.train) == early
    known = {item for _, item in early}
    assert pairs(dataset, dataset.test) == {pair for pair in late if pair[1] in known}
    assert dataset.test.split == f"all interactions from {moment} on held out"
    expect_last_validation(dataset, rows)


def test_the_moment_of_times_with_fractions(tmp_path: Path, rows: Rows) -> None:
    lines = [f"{user},{item},{day + 0.25}" for user, item, day in rows]
    (tmp_path / "ratings.csv").write_text("user,item,time\n" + "\n".join(lines) + "\n")
    dataset = load(tmp_path, split="time", test_from="8.5")
    assert pairs(dataset, dataset.train) == {(user, item) for user, item, day in rows if day <= 8}


def test_the_moment_of_arrays(rows: Rows) -> None:
    users, items, days = map(np.array, zip(*rows, strict=True))
    config = DataConfig(name="own", format="memory", split="time", test_from="2005-01-09")
    start = np.datetime64("2005-01-01")
    dataset = Dataset.from_arrays(users, items, timestamps=start + days, config=config)
    assert pairs(dataset, dataset.train) == {(user, item) for user, item, day in rows if day < 8}


@pytest.mark.parametrize(
    ("form", "moment", "message"),
    [
        ("date", "2001-01-01", "after the first interaction (2005-01-01 00:00:00) and not after the last"),
        ("date", "2006-01-01", "not after the last (2005-01-12 00:00:00), found 2006-01-01"),
        ("date", "1105228800", "the times are dates; expected one such as 2005-04-02"),
        ("1e-3", "2005-01-09", "not of a known unit since 1970; expected a number like them"),
        ("1", "7", "after the first interaction (1104537600)"),
    ],
)
def test_a_moment_outside_the_data(tmp_path: Path, rows: Rows, form: str, moment: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        load(written(tmp_path, rows, form=form), split="time", test_from=moment)
    assert "data.test_from: " in str(caught.value) and message in str(caught.value)


def given(directory: Path, rows: Rows) -> Path:
    """The last two interactions of each user are in test.csv."""
    late = {row for row in rows if row[2] >= PER_USER - 2}
    written(directory, [row for row in rows if row not in late], "train.csv")
    return written(directory, sorted(late), "test.csv")


def test_a_given_test_file(tmp_path: Path, rows: Rows) -> None:
    dataset = load(given(tmp_path, rows), split="given", test="test.csv")
    assert pairs(dataset, dataset.test) == {(user, item) for user, item, day in rows if day >= PER_USER - 2}
    assert dataset.test.negatives.shape[1] == 99
    assert dataset.test.split == "the given test interactions"
    expect_last_validation(dataset, rows)


def test_a_given_test_file_with_other_ids_duplicates_and_low_ratings(tmp_path: Path, rows: Rows) -> None:
    lines = [f"{user},{item},{day},5" for user, item, day in rows if day < PER_USER - 2]
    (tmp_path / "train.csv").write_text("user,item,time,rating\n" + "\n".join(lines) + "\n")
    test = ["1,50,20,5", "1,50,21,5", "2,51,20,1", "3,new,20,5", "4,52,20,5"]
    (tmp_path / "test.csv").write_text("user,item,time,rating\n" + "\n".join(test) + "\n")
    keys = {"ratings": "train.csv", "test": "test.csv", "minimum_rating": 3.0}
    dataset = load(tmp_path, split="given", **keys)
    assert pairs(dataset, dataset.test) == {(1, 50), (4, 52)}
    assert len(dataset.test) == 2
    assert dataset.quality.unseen_dropped == 1  # the item "new"


def test_positions_in_the_training_file_of_the_ncf_format_are_an_order(tmp_path: Path, rows: Rows) -> None:
    late = last_of(rows, {row[:2] for row in rows})
    train = [row for row in rows if late[row[0]] != row[1]]
    (tmp_path / "toy.train.rating").write_text("".join(f"{u}\t{i}\t5\t{day}\n" for u, i, day in train))
    (tmp_path / "toy.test.rating").write_text("".join(f"{u}\t{i}\t5\t978300760\n" for u, i in late.items()))
    negatives = {user: [i for i in range(ITEMS) if i != item][:99] for user, item in late.items()}
    (tmp_path / "toy.test.negative").write_text(
        "".join(f"({u},{i})\t" + "\t".join(map(str, negatives[u])) + "\n" for u, i in late.items())
    )
    dataset = load(tmp_path, split="given")
    assert dataset.format == "ncf" and dataset.train.timestamps is not None
    expect_last_validation(dataset, rows)


@pytest.mark.parametrize("form", ["pairs", "sequences"])
def test_the_order_of_lines_is_the_order_in_time(tmp_path: Path, rows: Rows, form: str) -> None:
    ordered = sorted(rows, key=lambda row: row[2])
    if form == "pairs":  # the lines of the users alternate
        text = "".join(f"{user + 1} {item + 1}\n" for user, item, _ in ordered)
    else:
        own = {user: [str(item + 1) for u, item, _ in ordered if u == user] for user in range(USERS)}
        text = "".join(f"{user + 1} {' '.join(items)}\n" for user, items in own.items())
    (tmp_path / "published.txt").write_text(text)
    dataset = load(tmp_path)
    assert dataset.format == form
    assert dataset.train.timestamps is not None
    for user in range(USERS):
        order = dataset.train.items[dataset.train.users == user].tolist()
        assert order == [item for u, item, _ in ordered if u == user][: len(order)]
        assert (np.diff(dataset.train.timestamps[dataset.train.users == user]) > 0).all()
    test = dict(zip(dataset.test.users.tolist(), dataset.test.items.tolist(), strict=True))
    validation = train_validation_split(dataset, 0).validation
    before = dict(zip(validation.users.tolist(), validation.items.tolist(), strict=True))
    for user in range(USERS):
        items = [item for u, item, _ in ordered if u == user]
        assert (before[user], test[user]) == tuple(items[-2:])


@pytest.mark.parametrize("keys", [{"split": "random"}, {"split": "given", "test": "test.csv"}])
def test_the_weights_of_the_ensemble_are_chosen_on_the_last_training_items(
    tmp_path: Path, rows: Rows, keys: dict
) -> None:
    dataset = load(given(tmp_path, rows) if "test" in keys else written(tmp_path, rows), **keys)
    data = train_validation_split(dataset, 0)
    ensemble = fit_ensemble(data, seed=0, factors=4)
    last = last_of(rows, pairs(dataset, dataset.train))
    assert pairs(dataset, data.validation) <= set(last.items())
    found = evaluate_candidates(pair_scorer(ensemble.known, data.items), data.validation)
    assert found == pytest.approx(dict(ensemble.validation), abs=1e-9)


KEYS = {
    "last": {},
    "random": {"split": "random"},
    "share": {"split": "time", "test_share": 0.2},
    "moment": {"split": "time", "test_from": "2005-01-09"},
    "given": {"split": "given", "test": "test.csv"},
}


@pytest.mark.parametrize("how", KEYS)
def test_prepared_data_has_the_same_split_and_validation(
    tmp_path: Path, rows: Rows, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (given if how == "given" else written)(source, rows)
    recipe, out = tmp_path / "recipe.toml", tmp_path / "prepared"
    keys = "".join(
        f"{key} = {value if key == 'test_share' else repr(value)}\n" for key, value in KEYS[how].items()
    )
    recipe.write_text('name = "x"\n[data]\nname = "own"\nformat = "auto"\n' + keys)
    assert main(["data", "prepare", str(source), "--recipe", str(recipe), "--out", str(out)]) == 0
    read = load(source, **KEYS[how])
    prepared = load(out)
    assert prepared.content == read.content
    assert prepared.test.split == read.test.split
    expect_last_validation(prepared, rows)
    assert main(["data", "check", str(source), "--recipe", str(recipe)]) == 0
    assert read.test.split in capsys.readouterr().out


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"format": "movielens-1m", "split": "given"}, 'the format "movielens-1m" has no files with them'),
        ({"format": "ncf", "split": "random"}, 'the format "ncf" has a split of its own, and "random"'),
        ({"format": "pairs", "split": "time"}, 'the format "pairs" has only the order'),
        ({"format": "table", "ratings": "r.csv", "split": "given"}, "set data.test to the file"),
    ],
)
def test_a_split_that_the_data_does_not_have(tmp_path: Path, keys: dict, message: str) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset(DataConfig(name="own", **keys), tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"format": "auto", "test": "t.csv"}, 'test: needs split = "given", found "last"'),
        ({"format": "auto", "test_from": "2005-01-01"}, 'test_from: needs split = "time", found "last"'),
        (
            {"format": "auto", "split": "time", "test_from": "soon"},
            "test_from: expected a date or time such as",
        ),
        ({"format": "ncf", "split": "given", "test": "t.csv"}, "names the test file of a table"),
        ({"split": "random"}, "split: the last interaction of each user of the synthetic catalogue"),
    ],
)
def test_keys_that_contradict_each_other(keys: dict, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        DataConfig(name="synthetic" if "format" not in keys else "own", **keys)
    assert message in str(caught.value)


def test_arrays_have_no_test_files() -> None:
    config = DataConfig(name="own", format="memory", split="given")
    with pytest.raises(DataError, match='the format "memory" has no files'):
        Dataset.from_arrays([1], [1], config=config)
