"""The script that sets up emulated Pis."""

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
    """A directory with a wheel that has extras and conditional requirements."""
    requirements = "\n".join(
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
            "thing_one-0.9.dist-info/METADATA", f"Metadata-Version: 2.1\nName: thing-one\n{requirements}\n"
        )
    return tmp_path


@pytest.mark.parametrize(
    ("requirement", "architecture", "expected"),
    [
        ("thing-one", "arm64", ["numpy>=1.23"]),
        ("thing-one[litert]", "arm64", ["numpy>=1.23", "litert>=2"]),
        ("thing-one[litert,tflite]", "arm64", ["numpy>=1.23", "litert>=2"]),
        ("thing-one[tflite]", "armhf", ["numpy>=1.23", "tflite"]),
        ("another<2", "arm64", ["another<2"]),
    ],
)
def test_requirements_of_a_wheel(
    wheel: Path, requirement: str, architecture: str, expected: list[str]
) -> None:
    needed = wheels._requirements_of(wheels.Requirement(requirement), architecture, wheel)
    assert [str(each) for each in needed] == expected


def test_an_unknown_extra(wheel: Path) -> None:
    with pytest.raises(ValueError, match="has no extra onnx"):
        wheels._requirements_of(wheels.Requirement("thing-one[onnx]"), "arm64", wheel)


def test_a_32_bit_pi_uses_debians_numpy() -> None:
    assert wheels._is_from_debian("numpy<2,>=1.23", "armhf")
    assert not wheels._is_from_debian("numpy<2,>=1.23", "arm64")
    assert not wheels._is_from_debian("tflite-runtime", "armhf")
    with pytest.raises(MissingError, match=r"Debian's numpy 1.24.2, but numpy>=2 is required"):
        wheels._is_from_debian("numpy>=2", "armhf")


def test_a_missing_tool_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(MissingError, match="apt-get is not installed"):
        set_up("pi4", tmp_path / "pi")
    assert [path.name for path in (tmp_path / "pi").iterdir()] == [".lock"]


def test_an_unreachable_archive_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        debian.own_architecture()
    except MissingError as error:
        missing(f"no emulated Pi: {error}")
    monkeypatch.setattr(debian, "_archive", lambda: "http://127.0.0.1:9/debian")
    with pytest.raises(MissingError, match="cannot be fetched"):
        set_up("pi4", tmp_path / "pi")
    assert [path.name for path in (tmp_path / "pi").iterdir()] == [".lock"]


def test_an_existing_setup_is_reused(device: Callable) -> None:
    pi = device("pi4", "tflite").pi
    parts = [pi.base / name for name in ("qemu", "arm64", "pi4", "arm64-tflite")]
    before = [part.stat().st_ino for part in parts]
    command = [sys.executable, SCRIPT, "python", "pi4"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert [part.stat().st_ino for part in parts] == before
    command = [
        done.stdout.strip(),
        "-c",
        "import platform, sys; print(platform.machine(), sys.version_info[:2])",
    ]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert shown.strip() == "aarch64 (3, 11)"


def test_boards_report_their_hardware(device: Callable) -> None:
    pi = device("pi2", "tflite").pi
    code = "import os, platform; print(platform.machine(), os.cpu_count(), open('/proc/cpuinfo').read())"
    shown = pi.run(["-c", code]).stdout
    assert shown.startswith("armv7l ")
    assert "CPU part\t: 0xc07" in shown and "neon" in shown
    assert {board.architecture for board in BOARDS.values()} == {"arm64", "armhf"}
