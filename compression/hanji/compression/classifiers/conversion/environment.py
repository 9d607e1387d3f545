"""The virtual environment of the converter from ONNX to TFLite, in the user's cache.

onnx2tf pins other versions of packages that hanji uses, so that both cannot share an environment. Its
directory is named after the hash of the lock file and the Python version. Nothing is installed unless
``install_converter`` is called, as ``hanji setup-onnx2tf`` does.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import platformdirs

from hanji.training.errors import HanjiError
from hanji.training.files import atomic_directory

SETUP = "hanji setup-onnx2tf"
LOCK = Path(__file__).parent / "onnx2tf" / "requirements.txt"
PROGRAM = LOCK.with_name("convert.py")
_TIMEOUT_S = 1800


class ConverterMissingError(HanjiError):
    """The converter is not installed."""


def converter_python() -> Path:
    """The Python of the converter's environment; ConverterMissingError if it is not installed."""
    if not has_converter():
        raise ConverterMissingError(
            f"expected the converter onnx2tf, which is not installed; run `{SETUP}` once, or leave tflite "
            "out of --formats"
        )
    return _python_of(environment_directory())


def has_converter() -> bool:
    """Whether the converter is installed."""
    return _python_of(environment_directory()).exists()


def converter_version() -> str:
    """The version of onnx2tf in the lock file."""
    match = re.search(r"^onnx2tf==(\S+)", LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert match is not None  # noqa: S101 - the file is part of the package
    return match[1]


def environment_directory() -> Path:
    """The environment's directory for the current lock file and Python, whether or not it exists."""
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return platformdirs.user_cache_path("hanji") / f"onnx2tf-{lock}-python{python}"


def install_converter() -> Path:
    """Install the locked packages with pip and return the environment's Python.

    Atomic: the environment is made in a temporary directory that is then renamed. HanjiError if Python cannot
    make one or pip fails.
    """
    directory = environment_directory()
    with atomic_directory(directory, replace=True) as staging:
        _run(
            [sys.executable, "-m", "venv", str(staging)],
            "making a virtual environment",
            "install Python's venv module (Debian: apt install python3-venv), then try again",
        )
        # onnx2tf declares Python 3.12, and the modules that are used here run on 3.11 as well; what it makes
        # is compared with the original in any case.
        options = ["--require-hashes", "--no-deps", "--ignore-requires-python", "--disable-pip-version-check"]
        _run(
            [str(_python_of(staging)), "-m", "pip", "install", "--quiet", *options, "-r", str(LOCK)],
            "pip install",
            "check the network and the package index, then try again",
        )
    return _python_of(directory)


def _python_of(directory: Path) -> Path:
    return directory / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _run(command: list[str], what: str, remedy: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        done = subprocess.run(  # noqa: S603 - Python with fixed arguments
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, env=environment
        )
    except subprocess.TimeoutExpired:
        raise HanjiError(f"{what} did not finish within {_TIMEOUT_S} s; {remedy}") from None
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        raise HanjiError(f"{what} failed: {(errors or lines or ['no error message'])[0]}; {remedy}")


__all__ = [
    "PROGRAM",
    "SETUP",
    "ConverterMissingError",
    "converter_python",
    "converter_version",
    "environment_directory",
    "has_converter",
    "install_converter",
]
