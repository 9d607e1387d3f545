"""Installs wheels for another machine with this machine's pip, into a directory for its PYTHONPATH."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

from debian import MissingError
from packaging.requirements import Requirement
from packaging.version import Version

PYTHON = "3.11"
_MACHINES = {"arm64": "aarch64", "armhf": "armv7l", "amd64": "x86_64"}
_GLIBC = ("2_36", "2_35", "2_34", "2_31", "2_28", "2_27", "2_17")
"""glibc versions whose wheels run on Raspberry Pi OS bookworm, newest first."""

DEBIAN_NUMPY = "1.24.2"
"""The version of python3-numpy, used on a 32-bit Pi: the index has no numpy wheels for armv7l."""


def install(target: Path, requirements: Sequence[str], architecture: str, wheels: Path) -> None:
    """Install ``requirements``, such as hanji-runtime[litert], and their dependencies into ``target``.

    Wheels in the directory ``wheels`` take precedence over the index. An existing installation of the same
    requirements is reused; only changed wheels in ``wheels`` are reinstalled. MissingError if pip cannot
    reach its index or finds no wheel for the machine.
    """
    local = [wheel for wheel in (_local(Requirement(text), wheels) for text in requirements) if wheel]
    needed = [
        each for text in requirements for each in _requirements_of(Requirement(text), architecture, wheels)
    ]
    from_index = sorted({str(each) for each in needed})
    hashes = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in local]
    note = target / ".made-of"
    found = note.read_text(encoding="utf-8").splitlines() if note.exists() else []
    if found == [*from_index, *hashes]:
        return
    temporary = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        if found[: len(from_index)] == from_index and len(found) == len(from_index) + len(hashes):
            shutil.copytree(target, temporary, symlinks=True, copy_function=os.link)
        elif from_index:
            by_pip = [text for text in from_index if not _is_from_debian(text, architecture)]
            _pip(temporary, by_pip, architecture)
            byte_compile(temporary)
        if local:
            _pip(temporary, list(map(str, local)), architecture, "--no-deps", "--upgrade")
            byte_compile(temporary / "hanji")
        (temporary / ".made-of").unlink(missing_ok=True)
        (temporary / ".made-of").write_text("\n".join([*from_index, *hashes]), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _local(requirement: Requirement, wheels: Path) -> Path | None:
    """The newest wheel of the project in ``wheels``, or None."""
    name = requirement.name.replace("-", "_")
    found = sorted(wheels.glob(f"{name}-*.whl"), key=lambda path: Version(path.name.split("-")[1]))
    return found[-1] if found else None


def _requirements_of(requirement: Requirement, architecture: str, wheels: Path) -> Iterable[Requirement]:
    """What to install from the index: the requirement, or the dependencies of its wheel in ``wheels``."""
    wheel = _local(requirement, wheels)
    if wheel is None:
        return [requirement]
    with ZipFile(wheel) as archive:
        name = next(entry for entry in archive.namelist() if entry.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    unknown = requirement.extras - set(metadata.get_all("Provides-Extra") or [])
    if unknown:
        raise ValueError(f"{wheel.name} has no extra {', '.join(sorted(unknown))}; is it up to date?")
    machine = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.2"}
    machine |= {"sys_platform": "linux", "platform_machine": _MACHINES[architecture]}
    environments = [{**machine, "extra": extra} for extra in ("", *requirement.extras)]
    listed = [Requirement(text) for text in metadata.get_all("Requires-Dist") or []]
    applicable = [
        each
        for each in listed
        if each.marker is None or any(each.marker.evaluate(environment) for environment in environments)
    ]
    for each in applicable:
        each.marker = None
    return applicable


def _is_from_debian(text: str, architecture: str) -> bool:
    """Whether Debian provides the package on the board; MissingError if its version does not match."""
    requirement = Requirement(text)
    if architecture != "armhf" or requirement.name != "numpy":
        return False
    if DEBIAN_NUMPY not in requirement.specifier:
        raise MissingError(f"a 32-bit Pi has Debian's numpy {DEBIAN_NUMPY}, but {text} is required")
    return True


def _pip(target: Path, requirements: Sequence[str], architecture: str, *options: str) -> None:
    """Install wheels for the machine with pip.

    On armhf without dependencies: pip would require numpy, for which the index has no wheel.
    """
    machine = _MACHINES[architecture]
    platforms = [f"--platform=manylinux_{version}_{machine}" for version in _GLIBC]
    platforms += [f"--platform=manylinux2014_{machine}"]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
    ]
    command += [
        "--only-binary=:all:",
        f"--python-version={PYTHON}",
        f"--target={target}",
        *platforms,
        *options,
    ]
    command += ["--no-deps"] if architecture == "armhf" else []
    done = subprocess.run([*command, *requirements], capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["nothing on stderr"]
        raise MissingError(f"pip cannot install {', '.join(requirements)}: {lines[-1]}")


def byte_compile(directory: Path) -> None:
    """Compile on this machine: bytecode is portable between machines, and compiling in QEMU is slow."""
    python = shutil.which(f"python{PYTHON}")
    if python is not None:
        command = [
            python,
            "-m",
            "compileall",
            "-q",
            "-j0",
            "--invalidation-mode",
            "unchecked-hash",
            directory,
        ]
        subprocess.run(command, capture_output=True)  # files that do not compile are ignored
