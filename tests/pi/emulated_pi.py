#!/usr/bin/env python3
"""A Raspberry Pi that is emulated: an ARM Python 3.11 as Raspberry Pi OS has it, without root or a Pi.

    emulated_pi.py setup                              sets up all boards; again takes no time
    emulated_pi.py install BOARD SITE REQUIREMENT …   what pip would install there; wheels in dist/ go first
    emulated_pi.py run [--site SITE] BOARD FILE …     runs a Python program there with what was installed
    emulated_pi.py python BOARD                       prints the path of the board's own python3

    emulated_pi.py install pi4 mine 'hanji-runtime[litert]'
    emulated_pi.py run --site mine pi4 -m hanji.runtime.cli verify out/demo/bundle

Boards: pi4 and pi5 (64 bits), pi2 (32 bits, with Debian's numpy; of the engines only tflite-runtime has a
wheel for it). All is kept in out/pi, some 400 MB with every engine; delete it to have everything fetched
anew. QEMU takes 7 times as long as this machine for Python code and 300 times for an engine's kernels: what
runs here should be small.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from debian import MissingError, own_architecture, unpack
from wheels import byte_compile, install

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "out" / "pi"
CORES = 2
_PYTHON = ("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6")
_ARMV8 = "fp asimd evtstrm crc32 cpuid"
_ARMV82 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
_ARMV7 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm"


@dataclass(frozen=True)
class Board:
    """A Raspberry Pi as its programs see it.

    ``architecture`` is Debian's word; ``cpu`` is QEMU's (never "max", which computes whole numbers wrongly);
    ``part`` is the processor's architecture, variant, part and revision and ``features`` what it can do, as
    the board's /proc/cpuinfo says: engines choose their kernels by it, and crash where it is missing.
    """

    name: str
    architecture: str
    cpu: str
    part: tuple[str, str, str, str]
    features: str

    @property
    def packages(self) -> tuple[str, ...]:
        """What is installed there from Debian."""
        return (*_PYTHON, "python3-numpy") if self.architecture == "armhf" else _PYTHON

    @property
    def emulator(self) -> str:
        return "qemu-aarch64" if self.architecture == "arm64" else "qemu-arm"

    @property
    def cpuinfo(self) -> str:
        keys = ("CPU architecture", "CPU variant", "CPU part", "CPU revision")
        rows = [("Features", self.features), ("CPU implementer", "0x41"), *zip(keys, self.part, strict=True)]
        said = "".join(f"{key}\t: {value}\n" for key, value in rows)
        return "".join(f"processor\t: {core}\nBogoMIPS\t: 108.00\n{said}\n" for core in range(CORES))


BOARDS = {
    board.name: board
    for board in (
        Board("pi4", "arm64", "cortex-a72", ("8", "0x0", "0xd08", "3"), _ARMV8),
        Board("pi5", "arm64", "cortex-a76", ("8", "0x4", "0xd0b", "1"), _ARMV82),
        Board("pi2", "armhf", "cortex-a7", ("7", "0x0", "0xc07", "5"), _ARMV7),
    )
}


@dataclass(frozen=True)
class EmulatedPi:
    """A board that is set up in ``place``."""

    board: Board
    place: Path

    @property
    def python(self) -> Path:
        """Its python3: a program of this machine, for whatever runs one."""
        return self.place / self.board.name / "python3"

    def installed(self, site: str, requirements: Sequence[str]) -> Path:
        """The directory ``site`` with ``requirements`` and what they need, as pip installs them on the board.

        A wheel in dist/ goes before one of the index. What is there already for the same requirements is
        kept. MissingError where the index cannot be reached.
        """
        target = self.place / f"{self.board.architecture}-{site}"
        with _one_at_a_time(self.place):
            install(target, requirements, self.board.architecture, ROOT / "dist")
        return target

    def run(
        self, arguments: Sequence[object], *, sites: Sequence[Path] = (), seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """What a Python program there printed; its exit code is not looked at."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sites))}
        command = [str(self.python), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment)


def set_up(name: str, place: Path = PLACE) -> EmulatedPi:
    """The board ``name``, set up where it is not yet; MissingError where this machine cannot."""
    board = BOARDS[name]
    place.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(place):
        qemu = _made(place / "qemu", f"qemu-user {platform.machine()}", _make_qemu)
        root = _made(
            place / board.architecture,
            " ".join(board.packages),
            lambda aside: _make_root(aside, board),
        )
        recipe = f"{board} {qemu} {root} {_script(board, place)}"
        _made(place / board.name, recipe, lambda aside: _make_board(aside, board, root, place))
    return EmulatedPi(board, place)


def _made(target: Path, recipe: str, make: Callable[[Path], None]) -> Path:
    """``target`` as ``recipe`` says: made beside and renamed, unless it is there from the same recipe."""
    note = target / ".made-of"
    if note.exists() and note.read_text(encoding="utf-8") == recipe:
        return target
    aside = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        make(aside)
        (aside / ".made-of").write_text(recipe, encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _make_qemu(aside: Path) -> None:
    unpack(["qemu-user"], own_architecture(), aside / "root", aside / "apt")
    shutil.rmtree(aside / "apt")
    for emulator in (aside / "root/usr/bin").glob("qemu-*"):
        if emulator.name not in {board.emulator for board in BOARDS.values()}:
            emulator.unlink()


def _make_root(aside: Path, board: Board) -> None:
    unpack(board.packages, board.architecture, aside / "root", aside / "apt")
    shutil.rmtree(aside / "apt")
    byte_compile(aside / "root/usr/lib")


def _make_board(aside: Path, board: Board, root: Path, place: Path) -> None:
    """The board's own view of its architecture's files: links to them, and what its kernel would show."""
    view = aside / "root"
    view.mkdir(parents=True)
    for entry in (root / "root").iterdir():
        (view / entry.name).symlink_to(entry)
    cores = view / "sys/devices/system/cpu"
    cores.mkdir(parents=True)
    for name in ("possible", "present", "online"):
        (cores / name).write_text(f"0-{CORES - 1}\n", encoding="utf-8")
    (view / "proc").mkdir()
    (view / "proc/cpuinfo").write_text(board.cpuinfo, encoding="utf-8")
    (aside / "python3").write_text(_script(board, place), encoding="utf-8")
    (aside / "python3").chmod(0o755)


def _script(board: Board, place: Path) -> str:
    """The board's python3. QEMU runs with the C library that came with it, whatever this machine has."""
    qemu, view = place / "qemu/root", place / board.name / "root"
    libraries = f"{qemu}/lib/$host:{qemu}/usr/lib/$host"
    blas = f"{view}/usr/lib/arm-linux-gnueabihf"
    alternatives = f'-E LD_LIBRARY_PATH="{blas}/blas:{blas}/lapack" ' if board.architecture == "armhf" else ""
    return f"""#!/bin/sh
# The python3 of an emulated {board.name}; tests/pi/emulated_pi.py wrote this.
host=$(uname -m)-linux-gnu
set -- "{view}/usr/bin/python3.11" "$@"
exec "{qemu}"/lib*/ld-linux-*.so.* --library-path "{libraries}" "{qemu}/usr/bin/{board.emulator}" \\
    -cpu {board.cpu} -L "{view}" -U LD_LIBRARY_PATH {alternatives}\\
    -E PYTHONHOME="{view}/usr" -E PYTHONDONTWRITEBYTECODE=1 "$@"
"""


@contextlib.contextmanager
def _one_at_a_time(place: Path) -> Iterator[None]:
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="set up all boards")
    for name in ("install", "run", "python"):
        commands.add_parser(name).add_argument("board", choices=BOARDS)
    commands.choices["install"].add_argument("site", metavar="SITE")
    commands.choices["install"].add_argument("requirements", nargs="+", metavar="REQUIREMENT")
    commands.choices["run"].add_argument("--site", action="append", default=[])
    commands.choices["run"].add_argument("arguments", nargs=argparse.REMAINDER, metavar="FILE …")
    args = parser.parse_args()
    try:
        return _run(args)
    except MissingError as error:
        print(f"emulated_pi.py: {error}", file=sys.stderr)
        return 1


def _run(args: argparse.Namespace) -> int:
    if args.command == "setup":
        for name in BOARDS:
            print(f"{name}: {set_up(name).python}")
        return 0
    pi = set_up(args.board)
    if args.command == "install":
        print(pi.installed(args.site, args.requirements))
    elif args.command == "python":
        print(pi.python)
    else:
        sites = [str(pi.place / f"{pi.board.architecture}-{site}") for site in args.site]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sites)}
        os.execve(pi.python, [str(pi.python), *args.arguments], environment)  # noqa: S606 - it is ours
    return 0


if __name__ == "__main__":
    sys.exit(main())
