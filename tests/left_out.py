"""What becomes of tests that need a browser, a JDK or a Pi which this machine does not have."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from typing import NoReturn

import pytest


def missing(what: object) -> NoReturn:
    """Skips the test, or fails it in CI: there nothing is left out that can be installed."""
    if os.environ.get("CI"):
        pytest.fail(f"CI leaves nothing out: {what}")
    pytest.skip(str(what))


def install_in_ci(packages: Iterable[str]) -> None:
    """Installs Debian's ``packages``, in CI and nowhere else."""
    packages = list(packages)
    if packages and os.environ.get("CI") and shutil.which("apt-get"):
        for words in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", "--quiet", *words], capture_output=True, timeout=900)
