"""Fixtures for the tests of android_demo: build tools, bundles, and the Python runtime's results for them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ..left_out import install_in_ci, missing
from ..ports import NAMES
from .answers import write_results

ROOT = Path(__file__).parents[2]
ANDROID = ROOT / "android_demo"
BUILD = ANDROID / "apk"


@pytest.fixture(scope="session")
def build_tools() -> None:
    """The JDK and Maven, which android_demo/apk requires; in CI, they are installed if missing."""
    needed = {"javac": "openjdk-17-jdk-headless", "mvn": "maven"}
    install_in_ci(needed)
    absent = [package for command, package in needed.items() if shutil.which(command) is None]
    if absent:
        missing(f"a JDK and Maven are needed; try: apt-get install {' '.join(absent)}")


@pytest.fixture(scope="session")
def bundles(port_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with only the ports' bundles, one per subfolder."""
    root = tmp_path_factory.mktemp("android") / "bundles"
    for name in NAMES:
        shutil.copytree(port_bundles / name / "bundle", root / name)
    return root


@pytest.fixture(scope="session")
def python_results(bundles: Path) -> Path:
    """A folder with the results of the Python runtime for the bundles."""
    target = bundles.parent / "answers"
    write_results(bundles, target)
    return target
