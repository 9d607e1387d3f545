"""For the tests of android_demo: the core compiled, and bundles with what Python answers from them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .answers import write_answers

ROOT = Path(__file__).parents[2]
ANDROID = ROOT / "android_demo"
BUILD = ANDROID / "apk"
RECIPES = ROOT / "tests" / "web"  # the same small bundles as the other port of the runtime is tested with
HANJI = Path(sys.executable).with_name("hanji")


def missing(what: str) -> None:
    """Skips, but in CI, which installs what it can, fails."""
    if os.environ.get("CI"):
        pytest.fail(f"CI tests android_demo: {what}")
    pytest.skip(what)


@pytest.fixture(scope="session")
def build_tools() -> None:
    """What the scripts in android_demo/apk need of this machine; CI installs it where it is missing."""
    needed = {"javac": "openjdk-17-jdk-headless", "mvn": "maven"}
    absent = [package for command, package in needed.items() if shutil.which(command) is None]
    if absent and os.environ.get("CI") and shutil.which("apt-get"):
        for words in (["update"], ["install", "--yes", "--no-install-recommends", *absent]):
            subprocess.run(["apt-get", "--quiet", *words], capture_output=True, timeout=900)
    still = [package for command, package in needed.items() if shutil.which(command) is None]
    if still:
        missing(f"a JDK and Maven are needed; try: apt-get install {' '.join(still)}")


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of bundles: ``history``, ``users`` and ``digits``, and the demo's own where they were made."""
    root = tmp_path_factory.mktemp("android") / "bundles"
    root.mkdir()
    for name in ("history", "users", "digits"):
        out = root.parent / name
        command = [str(HANJI), "build", str(RECIPES / f"{name}.toml"), "--out", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stderr[-3000:]
        (out / "bundle").rename(root / name)
    for name in ("demo", "demo-digits"):
        made = ROOT / "out" / name / "bundle"
        if made.is_dir():
            shutil.copytree(made, root / name)
    return root


@pytest.fixture(scope="session")
def answers(bundles: Path) -> Path:
    """A folder with what the Python runtime answers from the bundles."""
    target = bundles.parent / "answers"
    write_answers(bundles, target)
    return target
