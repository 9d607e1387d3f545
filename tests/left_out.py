"""What becomes of tests that need a browser, a JDK or a Pi which this machine does not have."""

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
    """Skips the test, or fails it in CI: there nothing is left out that can be installed."""
    if os.environ.get("CI"):
        pytest.fail(f"CI leaves nothing out: {what}")
    pytest.skip(str(what))


def install_in_ci(packages: dict[str, str]) -> None:
    """Installs Debian's packages, by the command that each brings, in CI and nowhere else."""
    if not os.environ.get("CI") or not shutil.which("apt-get"):
        return
    with one_at_a_time("apt"):
        absent = [package for command, package in packages.items() if shutil.which(command) is None]
        if absent:
            for words in (["update"], ["install", "--yes", "--no-install-recommends", *absent]):
                subprocess.run(["apt-get", "--quiet", *words], capture_output=True, timeout=900)


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Waits for other test processes of this machine that do the same."""
    with (Path(tempfile.gettempdir()) / f"hanji-tests-{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
