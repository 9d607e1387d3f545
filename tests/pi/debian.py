"""Debian packages of any architecture, downloaded and unpacked by any user; nothing is installed.

An apt of its own keeps all its state in one directory and asks the archive that this machine's apt is set up
with. What a package needs comes along, for to that apt nothing is installed yet.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

RELEASE = "bookworm"
"""Debian 12, which Raspberry Pi OS is built from: Python 3.11, glibc 2.36."""

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_UNUSED = (
    "./usr/share/doc",
    "./usr/share/man",
    "./usr/share/locale",
    "./usr/share/info",
    "./usr/lib/*/gconv",
)


class MissingError(Exception):
    """Something that only this machine or its network can give is not there; says what."""


def unpack(packages: Sequence[str], architecture: str, root: Path, work: Path) -> None:
    """Unpack ``packages`` and all that they need into ``root``; ``work`` holds what is only needed meanwhile.

    ``architecture`` is Debian's word: amd64, arm64, armhf. MissingError where there is no apt or no archive.
    """
    apt = _apt(architecture, work)
    _asked([*apt, "update"], "Debian's package lists cannot be fetched")
    # Alternatives such as libopenblas0 and what is only recommended would be several times as much.
    install = ["install", "--download-only", "--no-install-recommends", "--yes", *packages]
    _asked([*apt, *install], "Debian's packages cannot be fetched")
    root.mkdir(parents=True, exist_ok=True)
    leave_out = [f"--exclude={pattern}" for pattern in _UNUSED]
    for package in sorted((work / "archives").glob("*.deb")):
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as content:
            subprocess.run(["tar", "x", "-C", root, *leave_out], stdin=content.stdout, check=True)
        if content.returncode:
            raise MissingError(f"{package.name} is no whole package")


def own_architecture() -> str:
    """This machine's, in Debian's word; MissingError without Debian's tools."""
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            raise MissingError(
                f"{tool} is not here; an emulated Pi is set up on Debian or what is made of it"
            )
    return _asked(["dpkg", "--print-architecture"], "dpkg does not tell the architecture").strip()


def _archive() -> str:
    """Where this machine's apt finds Debian."""
    listed = _asked(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)\t$(SUITE)\t$(REPO_URI)"], "no apt lists"
    )
    rows = [line.split("\t") for line in listed.splitlines()]
    found = [uri for origin, suite, uri in rows if origin == "Debian" and "-" not in suite]
    if not found:
        raise MissingError("this machine's apt knows no Debian archive; try: apt-get update")
    return found[0]


def _apt(architecture: str, work: Path) -> list[str]:
    """The command of an apt that knows only ``architecture`` and writes only under ``work``."""
    archive = _archive()
    for directory in ("lists/partial", "archives/partial", "state"):
        (work / directory).mkdir(parents=True, exist_ok=True)
    (work / "state" / "status").touch()
    signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
    (work / "sources.list").write_text(f"deb {signed}{archive} {RELEASE} main\n", encoding="utf-8")
    options = {
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Sandbox::User": "root",  # its usual user may not write here
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


def _asked(command: Sequence[str], problem: str) -> str:
    """What the command printed; MissingError that begins with ``problem`` where it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it says nothing"]
        raise MissingError(f"{problem}: {lines[-1]}")
    return done.stdout
