"""Fixtures for browser tests: Node.js with web_demo's packages, and Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .left_out import install_in_ci, missing, one_at_a_time

WEB = Path(__file__).parents[1] / "web_demo"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
OLDEST_NODE = (20, 19)
TIMEOUT_S = 1200

Npm = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def npm() -> Npm:
    """A function that runs npm in web_demo, with the packages of its lock file installed."""
    command = shutil.which("npm")
    if command is None or node_version() < OLDEST_NODE:
        missing(f"Node.js {'.'.join(map(str, OLDEST_NODE))} or newer with npm was not found")

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(command), *arguments],
            cwd=WEB,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )

    lock, installed = WEB / "package-lock.json", WEB / "node_modules" / ".package-lock.json"
    with one_at_a_time("npm"):
        if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
            done = run("ci", "--ignore-scripts", "--no-audit", "--no-fund")
            if done.returncode != 0:
                missing(f"npm ci failed: {done.stderr[-2000:]}")
    return run


def node_version() -> tuple[int, ...]:
    node = shutil.which("node")
    if node is None:
        return (0,)
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in text.strip().lstrip("v").split("."))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium executable; CI installs the Debian package if there is none."""
    if found_chromium() is None:
        install_in_ci({"chromium": "chromium"})
    found = found_chromium()
    if found is None:
        missing("Chromium was not found; install it (apt-get install chromium), or set HANJI_CHROMIUM")
    return str(found)


def found_chromium() -> str | None:
    return os.environ.get("HANJI_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
