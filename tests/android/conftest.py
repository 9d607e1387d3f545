"""For the tests of android_demo: the core compiled, and bundles with what Python answers from them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ..left_out import install_in_ci, missing
from ..ports import NAMES
from .answers import write_answers

ROOT = Path(__file__).parents[2]
ANDROID = ROOT / "android_demo"
BUILD = ANDROID / "apk"


@pytest.fixture(scope="session")
def build_tools() -> None:
    """What the scripts in android_demo/apk need of this machine; CI installs it where it is missing."""
    needed = {"javac": "openjdk-17-jdk-headless", "mvn": "maven"}
    install_in_ci(needed)
    absent = [package for command, package in needed.items() if shutil.which(command) is None]
    if absent:
        missing(f"a JDK and Maven are needed; try: apt-get install {' '.join(absent)}")


@pytest.fixture(scope="session")
def bundles(port_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ports' bundles and nothing else."""
    root = tmp_path_factory.mktemp("android") / "bundles"
    for name in NAMES:
        shutil.copytree(port_bundles / name / "bundle", root / name)
    return root


@pytest.fixture(scope="session")
def answers(bundles: Path) -> Path:
    """A folder with what the Python runtime answers from the bundles."""
    target = bundles.parent / "answers"
    write_answers(bundles, target)
    return target
