"""The script that sets the emulated Pis up."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import debian
import wheels
from debian import MissingError
from emulated_pi import BOARDS, set_up

from ..left_out import missing

SCRIPT = Path(__file__).with_name("emulated_pi.py")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A directory with a wheel that asks for this and that."""
    asked = "\n".join(
        [
            "Provides-Extra: litert",
            "Provides-Extra: tflite",
            "Requires-Dist: numpy>=1.23",
            "Requires-Dist: litert>=2; extra == 'litert'",
            "Requires-Dist: tflite; extra == 'tflite' and platform_machine == 'armv7l'",
            "Requires-Dist: tomli; python_version < '3.11'",
        ]
    )
    with zipfile.ZipFile(tmp_path / "thing_one-0.9-py3-none-any.whl", "w") as archive:
        archive.writestr(
            "thing_one-0.9.dist-info/METADATA", f"Metadata-Version: 2.1\nName: thing-one\n{asked}\n"
        )
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "architecture", "found"),
    [
        ("thing-one", "arm64", ["numpy>=1.23"]),
        ("thing-one[litert]", "arm64", ["numpy>=1.23", "litert>=2"]),
        ("thing-one[litert,tflite]", "arm64", ["numpy>=1.23", "litert>=2"]),
        ("thing-one[tflite]", "armhf", ["numpy>=1.23", "tflite"]),
        ("another<2", "arm64", ["another<2"]),
    ],
)
def test_what_a_wheel_needs(wheel: Path, asked: str, architecture: str, found: list[str]) -> None:
    needs = wheels._needs(wheels.Requirement(asked), architecture, wheel)
    assert [str(need) for need in needs] == found


def test_an_extra_that_the_wheel_does_not_have(wheel: Path) -> None:
    with pytest.raises(ValueError, match="has no extra onnx"):
        wheels._needs(wheels.Requirement("thing-one[onnx]"), "arm64", wheel)


def test_a_32_bit_pi_takes_debians_numpy() -> None:
    assert wheels._debians("numpy<2,>=1.23", "armhf")
    assert not wheels._debians("numpy<2,>=1.23", "arm64")
    assert not wheels._debians("tflite-runtime", "armhf")
    with pytest.raises(MissingError, match=r"Debian's numpy 1.24.2, and numpy>=2 is asked for"):
        wheels._debians("numpy>=2", "armhf")


def test_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(MissingError, match="apt-get is not here"):
        set_up("pi4", tmp_path / "pi")
    assert [path.name for path in (tmp_path / "pi").iterdir()] == [".lock"]


def test_an_archive_that_cannot_be_reached_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        debian.own_architecture()
    except MissingError as error:
        missing(f"no emulated Pi: {error}")
    monkeypatch.setattr(debian, "_archive", lambda: "http://127.0.0.1:9/debian")
    with pytest.raises(MissingError, match="cannot be fetched"):
        set_up("pi4", tmp_path / "pi")
    assert [path.name for path in (tmp_path / "pi").iterdir()] == [".lock"]


def test_what_was_set_up_is_kept(device: Callable) -> None:
    pi = device("pi4", "tflite").pi
    parts = [pi.place / name for name in ("qemu", "arm64", "pi4", "arm64-tflite")]
    before = [part.stat().st_ino for part in parts]
    command = [sys.executable, SCRIPT, "python", "pi4"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert [part.stat().st_ino for part in parts] == before
    asked = [
        done.stdout.strip(),
        "-c",
        "import platform, sys; print(platform.machine(), sys.version_info[:2])",
    ]
    shown = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    assert shown.strip() == "aarch64 (3, 11)"


def test_boards_look_like_what_they_are(device: Callable) -> None:
    pi = device("pi2", "tflite").pi
    code = "import os, platform; print(platform.machine(), os.cpu_count(), open('/proc/cpuinfo').read())"
    shown = pi.run(["-c", code]).stdout
    assert shown.startswith("armv7l ")
    assert "CPU part\t: 0xc07" in shown and "neon" in shown
    assert {board.architecture for board in BOARDS.values()} == {"arm64", "armhf"}
