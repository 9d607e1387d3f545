"""TF_CONFIG: the clusters that are understood, and the messages for those that are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hanji.runtime.cli import main
from hanji.training.cluster.environment import cluster_of_environment, tf_config
from hanji.training.errors import RecipeError

TWO = {"worker": ["a:1", "b:2"]}
FIRST = {"type": "worker", "index": 0}


def set_config(monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    monkeypatch.setenv("TF_CONFIG", value if isinstance(value, str) else json.dumps(value))


@pytest.mark.parametrize(
    "value", ["", "{}", {"task": FIRST}, {"cluster": {"worker": ["a:1"]}, "task": FIRST}]
)
def test_one_process_is_no_cluster(monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    set_config(monkeypatch, value)
    assert cluster_of_environment() is None


def test_the_chief_is_the_first_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    set_config(monkeypatch, {"cluster": {"worker": ["a:2", "b:2"], "chief": ["a:1"]}, "task": FIRST})
    found = cluster_of_environment()
    assert found and found.addresses == ("a:1", "a:2", "b:2")
    assert (found.index, found.count, found.is_chief, found.rank_on_host) == (1, 3, False, 1)
    set_config(monkeypatch, tf_config(["[::1]:1", "b:2"], 0))
    found = cluster_of_environment()
    assert found and found.is_chief


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "expected an object"),
        ({"cluster": TWO}, "expected a task whose type"),
        ({"cluster": TWO, "task": {"type": "chief", "index": 0}}, "expected a task whose type"),
        ({"cluster": TWO, "task": {"type": "worker", "index": 2}}, "from 0 to 1, found 2"),
        ({"cluster": TWO, "task": {"type": "worker"}}, "found None"),
        ({"cluster": {"ps": ["a:1"], **TWO}, "task": FIRST}, "found ps, worker"),
        ({"cluster": ["a:1"], "task": FIRST}, "found \\['a:1'\\]"),
        ({"cluster": {"worker": "a:1"}, "task": FIRST}, "expected a list of addresses"),
        ({"cluster": {"worker": ["a:1", "b"]}, "task": FIRST}, "host:port, found 'b'"),
        ({"cluster": {"worker": ["a:1", "b:99999"]}, "task": FIRST}, "host:port, found 'b:99999'"),
        ({"cluster": {"worker": ["a:1", "a:1"]}, "task": FIRST}, "a different address"),
    ],
)
def test_an_invalid_value_is_explained(monkeypatch: pytest.MonkeyPatch, value: object, message: str) -> None:
    set_config(monkeypatch, value)
    with pytest.raises(RecipeError, match=rf"TF_CONFIG: .*{message}.*; set it to something like"):
        cluster_of_environment()


RECIPE = 'name = "small"\n[model]\ntype = "history"\n[training]\nbatch_size = 8\n'


@pytest.mark.parametrize(
    ("recipe", "workers", "code", "message"),
    [
        (RECIPE, "0", 2, "at least 1, found '0'"),
        (RECIPE, "two", 2, "at least 1, found 'two'"),
        (RECIPE, "9", 1, "at most training.batch_size (8)"),
        ('name = "small"\ntask = "image-classification"\n', "2", 1, "--workers is for recommenders"),
    ],
)
@pytest.mark.parametrize("command", ["train", "build"])
def test_unusable_numbers_of_workers(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    recipe: str,
    workers: str,
    code: int,
    message: str,
) -> None:
    (tmp_path / "recipe.toml").write_text(recipe)
    arguments = [command, str(tmp_path / "recipe.toml"), "--out", str(tmp_path / "out"), "--workers", workers]
    try:
        assert main(arguments) == code
    except SystemExit as error:
        assert error.code == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_worker_of_a_cluster_neither_builds_nor_starts_workers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    set_config(monkeypatch, {"cluster": TWO, "task": FIRST})
    arguments = [str(tmp_path / "recipe.toml"), "--out", str(tmp_path / "out")]
    assert main(["build", *arguments]) == 1
    assert "hanji train --out OUT/work/trained" in capsys.readouterr().err
    assert main(["train", *arguments, "--workers", "2"]) == 1
    assert "leave the option out" in capsys.readouterr().err
