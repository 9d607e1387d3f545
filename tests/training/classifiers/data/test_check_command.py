"""`hanji data check` of images."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from hanji.training.commands import data as command
from hanji.training.errors import DataError

from .conftest import write_image


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def test_check_of_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(folder / "leaf" / "large.jpg", size=(400, 300), mode="L")
    write_image(folder / "leaf" / "clear.png", mode="RGBA")
    for number in range(5):
        (folder / "root" / f"0{number}.png").write_bytes(b"broken")
    (folder / "notes.txt").write_text("outside the classes")
    (folder / "leaf" / "notes.txt").write_text("in a class")
    assert run("check", str(folder)) == 0
    output = capsys.readouterr().out
    assert "27 images" in output
    assert "1 grey, 25 RGB, 1 RGB with transparency" in output
    assert "smallest 9×12, median 9×12, largest 300×400" in output
    assert "classes   3, the largest 2.4 times the smallest" in output
    assert "12  leaf" in output
    assert "left out: 1 × .txt" in output
    assert "broken images, left out: 5" in output
    assert all(f"root/0{number}.png: " in output for number in range(5))


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


def test_check_of_a_folder_with_train_and_test(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("bark", "leaf", "root"):
        (folder / "train").mkdir(exist_ok=True)
        (folder / name).rename(folder / "train" / name)
        write_image(folder / "test" / name / "1.jpg")
    assert run("check", str(folder)) == 0
    output = capsys.readouterr().out
    assert "30 train, 3 test" in output
    assert "nothing to report" in output


def test_check_reports_reasons_why_training_would_fail(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in folder.glob("root/*"):
        path.write_bytes(b"broken")
    for path in folder.glob("*/*.png"):
        path.write_bytes(b"broken")
    assert run("check", str(folder)) == 0
    output = capsys.readouterr().out
    assert "none could be read" in output
    assert "class without a readable image in images: root" in output


def test_check_of_idx(idx: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(idx)) == 0
    output = capsys.readouterr().out
    assert "(format idx)" in output
    assert "54 training, 6 validation, 12 test" in output


def test_check_of_npz_as_json(npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(npz), "--json") == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["format"], table["height"], table["width"]) == ("npz", 6, 5)
    assert table["classes"][2] == {"label": "2", "train": 18, "validation": 2, "test": 4}


def test_check_with_a_recipe(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = folder / "recipe.toml"
    recipe.write_text(
        'name = "plants"\ntask = "image-classification"\n[data]\nname = "plants"\nformat = "folder"\n'
        'height = 16\nwidth = 24\ncolour = "grey"\n'
    )
    assert run("check", str(folder), "--recipe", str(recipe)) == 0
    assert "16×24, grey" in capsys.readouterr().out


def test_check_of_an_unknown_format(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "picture.heic").write_bytes(b"")
    with pytest.raises(DataError, match="images by one sub-folder per class"):
        run("check", str(tmp_path))
