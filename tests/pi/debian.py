"""Downloads and unpacks Debian packages of any architecture, without root and without installing them.

A separate apt configuration keeps all state in one directory and uses the archive configured on this machine.
Dependencies are included, because that apt considers nothing installed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

RELEASE = "bookworm"
"""Debian 12, the base of Raspberry Pi OS: Python 3.11, glibc 2.36."""

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_UNUSED = (
    "./usr/share/doc",
    "./usr/share/man",
    "./usr/share/locale",
    "./usr/share/info",
    "./usr/lib/*/gconv",
)


class MissingError(Exception):
    """A tool or a network resource is missing on this machine; the message states which."""


def unpack(packages: Sequence[str], architecture: str, root: Path, work: Path) -> None:
    """Unpack ``packages`` and their dependencies into ``root``; ``work`` is for temporary files.

    ``architecture`` is a Debian architecture: amd64, arm64, armhf. MissingError without apt or an archive.
    """
    apt = _apt(architecture, work)
    _output_of([*apt, "update"], "Debian's package lists cannot be fetched")
    # Recommended packages and alternatives such as libopenblas0 would multiply the download size.
    install = ["install", "--download-only", "--no-install-recommends", "--yes", *packages]
    _output_of([*apt, *install], "Debian's packages cannot be fetched")
    root.mkdir(parents=True, exist_ok=True)
    exclude = [f"--exclude={pattern}" for pattern in _UNUSED]
    for package in sorted((work / "archives").glob("*.deb")):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as content:
            subprocess.run(["tar", "x", "-C", root, *exclude], stdin=content.stdout, check=True)
        if content.returncode:
            raise MissingError(f"{package.name} is not a complete package")


def own_architecture() -> str:
    """The Debian architecture of this machine; MissingError without Debian's tools."""
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            raise MissingError(
                f"{tool} is not installed; setting up an emulated Pi requires Debian or a derivative"
            )
    return _output_of(["dpkg", "--print-architecture"], "dpkg does not report the architecture").strip()


def _archive() -> str:
    """The URI of the Debian archive configured for this machine's apt."""
    listed = _output_of(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)\t$(SUITE)\t$(REPO_URI)"], "no apt lists"
    )
    rows = [line.split("\t") for line in listed.splitlines()]
    found = [uri for origin, suite, uri in rows if origin == "Debian" and "-" not in suite]
    if not found:
        raise MissingError("apt on this machine has no Debian archive; try: apt-get update")
    return found[0]


def _apt(architecture: str, work: Path) -> list[str]:
    """An apt-get command limited to ``architecture`` that writes only under ``work``."""
    archive = _archive()
    for directory in ("lists/partial", "archives/partial", "state"):
        (work / directory).mkdir(parents=True, exist_ok=True)
    (work / "state" / "status").touch()
    signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
    (work / "sources.list").write_text(f"deb {signed}{archive} {RELEASE} main\n", encoding="utf-8")
    options = {
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Sandbox::User": "root",  # the default user has no write permission here
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Debug::NoLocking": "1",
        "Dir::Cache": work,
        "Dir::Cache::archives": work / "archives",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": work / "state",
        "Dir::State::lists": work / "lists",
        "Dir::State::status": work / "state" / "status",
    }
    return [
        "apt-get",
        "--quiet=2",
        *(part for key, value in options.items() for part in ("-o", f"{key}={value}")),
    ]


def _output_of(command: Sequence[str], problem: str) -> str:
    """Run a command and return its stdout; MissingError that starts with ``problem`` if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["nothing on stderr"]
        raise MissingError(f"{problem}: {lines[-1]}")
    return done.stdout
