"""Pickles and files of PyTorch: every command that takes a model refuses them, and nothing in them runs."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest

from hanji.runtime.cli import main


class Trick:
    """Its pickle creates a file when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> object:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.pt2", "model.pkl", "model.joblib"])
def test_a_program_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    marker, path = tmp_path / "marker", tmp_path / name
    content = pickle.dumps(Trick(marker))
    if name.startswith("model.pt"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", content)
    else:
        path.write_bytes(content)
    labels, preprocessing, out = tmp_path / "labels.txt", tmp_path / "preprocessing.toml", tmp_path / "out"
    labels.write_text("a\nb\n", encoding="utf-8")
    preprocessing.write_text("scale = 1.0\n", encoding="utf-8")
    for command in (
        ["inspect", path],
        ["compress", path, "--recipe", "int8", "--data", tmp_path, "--out", out],
        ["bundle", path, "--labels", labels, "--preprocessing", preprocessing, "--out", out],
        ["profile", path],
        ["export", path, "--out", out],
    ):
        assert main(list(map(str, command))) == 1
        assert str(path) in capsys.readouterr().err
    assert not marker.exists() and not out.exists()
    pickle.loads(content)  # noqa: S301
    assert marker.exists()  # the trick would have worked
