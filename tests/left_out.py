"""Handling of tests that need tools (a browser, a JDK, a Pi emulator) which this machine does not have."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest


def missing(what: object) -> NoReturn:
    """Skip the test; fail it in CI, where everything that can be installed must be."""
    if os.environ.get("CI"):
        pytest.fail(f"not skipped in CI: {what}")
    pytest.skip(str(what))


def install_in_ci(packages: dict[str, str]) -> None:
    """In CI only: install Debian packages, given by the command that each provides, if they are missing."""
    if not os.environ.get("CI") or not shutil.which("apt-get"):
        return
    with one_at_a_time("apt"):
        absent = [package for command, package in packages.items() if shutil.which(command) is None]
        if absent:
            for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *absent]):
                subprocess.run(["apt-get", "--quiet", *arguments], capture_output=True, timeout=900)


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Hold a lock that is shared by all test processes on this machine."""
    with (Path(tempfile.gettempdir()) / f"hanji-tests-{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
