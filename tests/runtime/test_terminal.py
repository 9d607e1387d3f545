"""Nothing that a bundle or a file's name contains controls the terminal, or a reader of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import cli
from hanji.runtime.terminal import json_text, printable, printable_line

pytestmark = pytest.mark.usefixtures("commands")
Capture = pytest.CaptureFixture[str]

HARMFUL = "\x1b]0;title\x07\x1b[31m\x9b2J\x7f\u202e\u2066\u200f\r\b\U000e0041\ud800"
"""Controls of both blocks, marks of direction, tags and half a surrogate pair."""
CLEANED = "\ufffd]0;title\ufffd\ufffd[31m\ufffd2J\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"


def hanji(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def assert_clean(text: str) -> None:
    assert all(line.isprintable() for line in text.split("\n")), ascii(text)


def test_text() -> None:
    assert printable(HARMFUL) == CLEANED
    assert printable("한지 é 🎬 –") == "한지 é 🎬 –"
    assert printable("a\nb") == "a\ufffdb"
    assert printable_line(" a\n\tb\x1b ") == "a b\ufffd"


def test_json() -> None:
    value = {"한지": [HARMFUL, "é", 1.5, "a\n"], HARMFUL: None}
    for indent in (None, 2):
        text = json_text(value, indent)
        assert_clean(text)
        assert json.loads(text) == value
        assert "한지" in text
        assert "é" in text
    assert json_text("\x9b\u202e\x7f\U000e0041") == r'"\u009b\u202e\u007f\udb40\udc41"'
    assert json_text(value, 2).count("\n") == 8


def harmful_recommender(make_history_parts: Callable[..., Any], path: Path) -> Path:
    parts = make_history_parts("onnx")
    items = json.loads(parts.files["items.json"])
    items["titles"] = [HARMFUL] * len(items["titles"])
    items["genres"] = [[HARMFUL] for _ in items["genres"]]
    parts.files["items.json"] = json.dumps(items).encode()
    manifest = parts.manifest
    manifest["name"] = manifest["model"]["type"] = manifest["training_data"]["name"] = HARMFUL
    manifest["training_data"]["licence"] = manifest["metrics"]["protocol"] = HARMFUL
    manifest["recipe"]["steps"] = [{"type": HARMFUL}]
    manifest["versions"] = {HARMFUL: HARMFUL}
    manifest["metrics"]["full"][HARMFUL] = 1
    artifact = manifest["artifacts"][0]
    artifact["precision"] = HARMFUL
    artifact["engines"].append({"name": HARMFUL, "oldest_version": "1.0"})
    written: Path = parts.write(path)
    return written


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_recommender(
    capsys: Capture, make_history_parts: Callable[..., Any], tmp_path: Path, as_json: list[str]
) -> None:
    path = harmful_recommender(make_history_parts, tmp_path / "bundle")
    assert hanji("info", path, *as_json) == 0
    assert hanji("verify", path, *as_json) == 0
    assert hanji("recommend", path, "--history", f"5001,{HARMFUL}", "--why", *as_json) == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert_clean(output.out)
    assert "]0;title" in output.out


def test_errors(capsys: Capture, make_history_parts: Callable[..., Any], tmp_path: Path) -> None:
    path = harmful_recommender(make_history_parts, tmp_path / "bundle")
    for arguments in (
        ["recommend", path, "--history", "5001", "--genre", "Drama"],
        ["recommend", path, "--history", "5001", "--engine", "litert"],
        ["verify", path, "--engine", "litert"],
        ["info", tmp_path / "\x1b[31m"],
    ):
        assert hanji(*arguments) == 1
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert_clean(error)
        assert "\ufffd" in error
    with pytest.raises(SystemExit) as stopped:
        hanji("info", path, "\x1b[31m")
    assert stopped.value.code == 2
    assert_clean(capsys.readouterr().err)


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_classifier(
    capsys: Capture, make_image_parts: Callable[..., Any], tmp_path: Path, as_json: list[str]
) -> None:
    pillow = pytest.importorskip("PIL.Image")
    parts = make_image_parts("onnx")
    labels = json.loads(parts.files["labels.json"])
    labels["labels"] = [f"{HARMFUL}{number}" for number in range(len(labels["labels"]))]
    labels["names"] = {}
    parts.files["labels.json"] = json.dumps(labels).encode()
    folder = tmp_path / "in"
    folder.mkdir()
    image, damaged = folder / "\x1b[31m\u202ea.png", folder / "\x9bb.png"
    pillow.fromarray(np.zeros((9, 9, 3), np.uint8)).save(image)
    damaged.write_bytes(b"x")
    path = parts.write(tmp_path / "bundle")
    assert hanji("classify", path, image, damaged, *as_json) == 1
    assert hanji("classify", path, image, "--language", HARMFUL, *as_json) == 1
    assert hanji("watch", path, "--folder", folder, "--existing", "--all", "--max-frames", 2, *as_json) == 0
    output = capsys.readouterr()
    assert_clean(output.out + output.err)


def test_the_log_of_onnx_runtime(make_parts: Callable[..., Any], tmp_path: Path) -> None:
    """It would print warnings and errors with names of the graph as they are."""
    onnx = pytest.importorskip("onnx")
    parts = make_parts("onnx")
    made = onnx.ModelProto.FromString(parts.files["model.onnx"])
    made.graph.initializer.add().CopyFrom(onnx.numpy_helper.from_array(np.ones(3), "\x1b[31munused"))
    made.graph.node[0].name = "\x1b[31mnode"
    parts.files["model.onnx"] = made.SerializeToString()
    path = parts.write(tmp_path / "bundle")
    users = json.loads(parts.files["users.json"])
    assert users
    program = (
        "import sys, numpy; from hanji.runtime import Recommender, EngineError\n"
        "opened = Recommender.open(sys.argv[1], engine='onnxruntime')\n"
        "opened.recommend(100)\n"
        "try: opened._engine.run('catalogue', {'user': numpy.array([999], numpy.int32)})\n"
        "except EngineError as error: print(ascii(str(error)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "node" in done.stdout


def test_not_enough_memory(capsys: Capture, onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("hanji.runtime.commands.info.open_bundle", fail)
    assert hanji("info", onnx_bundle) == 1
    assert capsys.readouterr().err.startswith("hanji: error: not enough memory; try: ")
