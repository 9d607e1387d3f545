"""Wheels for another machine, installed by this one's pip into a directory that is on PYTHONPATH there."""

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
"""The C libraries whose wheels run on Raspberry Pi OS bookworm, the newest first."""

DEBIAN_NUMPY = "1.24.2"
"""The numpy of python3-numpy there, which a 32-bit Pi takes: the index has no wheel of it for armv7l."""


def install(target: Path, requirements: Sequence[str], architecture: str, wheels: Path) -> None:
    """Put ``requirements``, such as hanji-runtime[litert], and what they need into ``target``.

    A project with a wheel in the directory ``wheels`` is taken from there. What was installed of the same
    requirements before is kept; of it a wheel in ``wheels`` that has changed is installed anew. MissingError
    where pip cannot reach its index or finds no wheel for the machine.
    """
    local = [wheel for wheel in (_local(Requirement(text), wheels) for text in requirements) if wheel]
    needs = [need for text in requirements for need in _needs(Requirement(text), architecture, wheels)]
    others = sorted({str(need) for need in needs})
    own = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in local]
    note = target / ".made-of"
    found = note.read_text(encoding="utf-8").splitlines() if note.exists() else []
    if found == [*others, *own]:
        return
    aside = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        if found[: len(others)] == others and len(found) == len(others) + len(own):
            shutil.copytree(target, aside, symlinks=True, copy_function=os.link)
        elif others:
            _pip(aside, [text for text in others if not _debians(text, architecture)], architecture)
            byte_compile(aside)
        if local:
            _pip(aside, list(map(str, local)), architecture, "--no-deps", "--upgrade")
            byte_compile(aside / "hanji")
        (aside / ".made-of").unlink(missing_ok=True)
        (aside / ".made-of").write_text("\n".join([*others, *own]), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _local(requirement: Requirement, wheels: Path) -> Path | None:
    """The newest wheel of the project in ``wheels``, if there is one."""
    name = requirement.name.replace("-", "_")
    found = sorted(wheels.glob(f"{name}-*.whl"), key=lambda path: Version(path.name.split("-")[1]))
    return found[-1] if found else None


def _needs(requirement: Requirement, architecture: str, wheels: Path) -> Iterable[Requirement]:
    """What is to come from the index: the requirement itself, or what its wheel in ``wheels`` asks for."""
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
    needs = [Requirement(text) for text in metadata.get_all("Requires-Dist") or []]
    chosen = [
        need
        for need in needs
        if need.marker is None or any(need.marker.evaluate(environment) for environment in environments)
    ]
    for need in chosen:
        need.marker = None
    return chosen


def _debians(text: str, architecture: str) -> bool:
    """Whether Debian has it for the board; MissingError where its version is not what is asked for."""
    need = Requirement(text)
    if architecture != "armhf" or need.name != "numpy":
        return False
    if DEBIAN_NUMPY not in need.specifier:
        raise MissingError(f"a 32-bit Pi has Debian's numpy {DEBIAN_NUMPY}, and {text} is asked for")
    return True


def _pip(target: Path, requirements: Sequence[str], architecture: str, *options: str) -> None:
    """pip's own choice of wheels for the machine.

    On armhf without what they need: pip would look for a numpy there, and the index has none.
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
        lines = done.stderr.strip().splitlines() or ["it says nothing"]
        raise MissingError(f"pip cannot install {', '.join(requirements)}: {lines[-1]}")


def byte_compile(directory: Path) -> None:
    """Here, as bytecode of one Python is the same everywhere, and an emulated one is slow at making it."""
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
        subprocess.run(command, capture_output=True)  # a file that does not compile is no harm
