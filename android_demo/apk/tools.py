"""The programs that the build runs, and the words for those that are missing."""

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
"""Each program with the Debian package that holds it."""


def missing_packages(programs: Iterable[str] = PACKAGES) -> list[str]:
    """The Debian packages of those ``programs`` that are not on the PATH, sorted."""
    return sorted({PACKAGES[name] for name in programs if shutil.which(name) is None})


def require(programs: Iterable[str] = PACKAGES) -> None:
    """BuildError, with the command that installs them, if one of the ``programs`` is missing."""
    packages = missing_packages(programs)
    if packages:
        raise BuildError(
            f"not installed: {', '.join(packages)}; try: apt-get install --no-install-recommends "
            + " ".join(packages)
        )


def run(command: Sequence[str | Path], **environment: str) -> str:
    """What ``command`` printed on both streams, run with ``environment`` added to this program's own.

    BuildError with its last lines if it fails or is not there.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(  # noqa: S603
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=os.environ | environment,
        )
    except FileNotFoundError as error:
        require([words[0]] if words[0] in PACKAGES else [])
        raise BuildError(f"{words[0]}: not found") from error
    if done.returncode:
        said = done.stdout.strip().splitlines()
        raise BuildError(f"{Path(words[0]).name} failed ({done.returncode}):\n" + "\n".join(said[-30:]))
    return done.stdout


__all__ = ["PACKAGES", "missing_packages", "require", "run"]
