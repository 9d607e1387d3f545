"""`hanji data check` of pictures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from hanji.training.commands import data as command
from hanji.training.errors import DataError

from .conftest import write_image


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def test_check_of_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(folder / "leaf" / "large.jpg", size=(400, 300), mode="L")
    write_image(folder / "leaf" / "clear.png", mode="RGBA")
    for number in range(5):
        (folder / "root" / f"0{number}.png").write_bytes(b"broken")
    (folder / "notes.txt").write_text("beside the classes")
    (folder / "leaf" / "notes.txt").write_text("in a class")
    assert run("check", str(folder)) == 0
    shown = capsys.readouterr().out
    assert "27 pictures" in shown
    assert "1 grey, 25 RGB, 1 RGB with transparency" in shown
    assert "smallest 9×12, median 9×12, largest 300×400" in shown
    assert "classes   3, the largest 2.4 times the smallest" in shown
    assert "12  leaf" in shown
    assert "left out: 1 × .txt" in shown
    assert "broken pictures, left out: 5" in shown
    assert all(f"root/0{number}.png: " in shown for number in range(5))


def test_check_of_a_folder_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(folder / "leaf" / "large.jpg", size=(400, 300))
    (folder / "root" / "00.png").write_bytes(b"broken")
    assert run("check", str(folder), "--format", "folder", "--json") == 0
    table = json.loads(capsys.readouterr().out)
    assert table["pictures"] == {"pictures": 30}
    assert [entry["pictures"] for entry in table["classes"]] == [10, 11, 9]
    assert table["sizes"][0] == {"height": 9, "width": 12, "pictures": 29}
    assert table["different_sizes"] == 2
    assert (table["smallest"], table["largest"]) == ([9, 12], [300, 400])
    assert table["broken"][0].startswith("root/00.png: ")


def test_check_of_a_divided_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("bark", "leaf", "root"):
        (folder / "train").mkdir(exist_ok=True)
        (folder / name).rename(folder / "train" / name)
        write_image(folder / "test" / name / "1.jpg")
    assert run("check", str(folder)) == 0
    shown = capsys.readouterr().out
    assert "30 train, 3 test" in shown
    assert "nothing to report" in shown


def test_check_says_what_training_would_refuse(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in folder.glob("root/*"):
        path.write_bytes(b"broken")
    for path in folder.glob("*/*.png"):
        path.write_bytes(b"broken")
    assert run("check", str(folder)) == 0
    shown = capsys.readouterr().out
    assert "none could be read" in shown
    assert "class without a readable picture in pictures: root" in shown


def test_check_of_idx(idx: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(idx)) == 0
    shown = capsys.readouterr().out
    assert "(format idx)" in shown
    assert "54 to train on, 6 to choose by, 12 to be tested on" in shown


def test_check_of_npz_as_json(npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(npz), "--json") == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["format"], table["height"], table["width"]) == ("npz", 6, 5)
    assert table["classes"][2] == {"label": "2", "train": 18, "validation": 2, "test": 4}


def test_check_by_a_recipe(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = folder / "recipe.toml"
    recipe.write_text(
        'name = "plants"\ntask = "image-classification"\n[data]\nname = "plants"\nformat = "folder"\n'
        'height = 16\nwidth = 24\ncolour = "grey"\n'
    )
    assert run("check", str(folder), "--recipe", str(recipe)) == 0
    assert "16×24, grey" in capsys.readouterr().out


def test_check_of_neither(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "picture.bmp").write_bytes(b"")
    with pytest.raises(DataError, match="images by a sub-folder for each class"):
        run("check", str(tmp_path))
