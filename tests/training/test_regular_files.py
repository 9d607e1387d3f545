"""Pipes, sockets and devices in place of files."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from hanji.training.errors import DataError, HanjiError
from hanji.training.recipe_file import read_recipe_file
from hanji.training.regular_files import regular_file


def test_pipes_sockets_and_devices_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for path, kind in (("pipe", "a pipe"), ("socket", "a socket"), ("/dev/zero", "a device")):
            with pytest.raises(DataError, match=f"{path}: expected a file, found {kind}; copy"):
                regular_file(Path(path))


@pytest.mark.parametrize("name", ["file", "missing", "a\0b", "directory"])
def test_everything_else_is_left_to_whoever_opens_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "directory").mkdir()
    assert regular_file(tmp_path / name) == tmp_path / name


def test_a_pipe_as_recipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "recipe.toml")
    with pytest.raises(HanjiError, match="found a pipe"):
        read_recipe_file(tmp_path / "recipe.toml")


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", "a\\\\b", "", " ", ".", "..", "a\\u0000b"])
def test_the_name_of_a_recipe_names_no_other_directory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(f'name = "{name}"\n')
    with pytest.raises(HanjiError, match=r"recipe\.toml: name: expected a name without"):
        read_recipe_file(path)
    path.write_text('name = "한지 · rank 64, v1.0"\n')
    assert read_recipe_file(path).name == "한지 · rank 64, v1.0"
