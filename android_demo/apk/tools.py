"""Runs the programs of the build, and reports missing ones."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from downloads import BuildError

PACKAGES = {
    "java": "openjdk-17-jdk-headless",
    "javac": "openjdk-17-jdk-headless",
    "keytool": "openjdk-17-jdk-headless",
    "mvn": "maven",
    "aapt2": "aapt",
    "apksigner": "apksigner",
    "enjarify": "enjarify",
}
"""The Debian package of each program."""


def missing_packages(programs: Iterable[str] = PACKAGES) -> list[str]:
    """The Debian packages of those ``programs`` that are not on the PATH, sorted."""
    return sorted({PACKAGES[name] for name in programs if shutil.which(name) is None})


def require(programs: Iterable[str] = PACKAGES) -> None:
    """BuildError with the command to install the packages if any of the ``programs`` is missing."""
    packages = missing_packages(programs)
    if packages:
        raise BuildError(
            f"not installed: {', '.join(packages)}; try: apt-get install --no-install-recommends "
            + " ".join(packages)
        )


def run(command: Sequence[str | Path], **environment: str) -> str:
    """Run ``command`` with additional ``environment`` variables and return its output (stdout and stderr).

    BuildError with the last lines of the output if it fails or is not installed.
    """
    arguments = [str(argument) for argument in command]
    try:
        done = subprocess.run(  # noqa: S603
            arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=os.environ | environment,
        )
    except FileNotFoundError as error:
        require([arguments[0]] if arguments[0] in PACKAGES else [])
        raise BuildError(f"{arguments[0]}: not found") from error
    if done.returncode:
        lines = done.stdout.strip().splitlines()
        raise BuildError(f"{Path(arguments[0]).name} failed ({done.returncode}):\n" + "\n".join(lines[-30:]))
    return done.stdout


__all__ = ["PACKAGES", "missing_packages", "require", "run"]
