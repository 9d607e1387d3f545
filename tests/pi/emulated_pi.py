#!/usr/bin/env python3
"""An emulated Raspberry Pi: an Arm Python 3.11 as in Raspberry Pi OS, without root or hardware.

    emulated_pi.py setup                              sets up all boards; does nothing if they exist
    emulated_pi.py install BOARD SITE REQUIREMENT …   installs packages with pip, preferably wheels in dist/
    emulated_pi.py run [--site SITE] BOARD FILE …     runs a Python program with the packages of the sites
    emulated_pi.py python BOARD                       prints the path of the board's python3

    emulated_pi.py install pi4 mine 'hanji-runtime[litert]'
    emulated_pi.py run --site mine pi4 -m hanji.runtime.cli verify out/demo/bundle

Boards: pi4 and pi5 (64 bits), pi2 (32 bits, with Debian's numpy; tflite-runtime is the only engine with a
wheel for it). Everything is stored in out/pi, about 400 MB with all engines; delete it to download everything
again. Compared with the host, QEMU is about 7 times slower for Python code and 300 times for an engine's
kernels, so workloads should be small.
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
BASE = ROOT / "out" / "pi"
CORES = 2
_PYTHON = ("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6")
_ARMV8 = "fp asimd evtstrm crc32 cpuid"
_ARMV82 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
_ARMV7 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm"


@dataclass(frozen=True)
class Board:
    """A Raspberry Pi as seen by programs.

    ``architecture`` is the Debian architecture; ``cpu`` the QEMU CPU model (not "max", which gives wrong
    integer results); ``part`` is the CPU's architecture, variant, part and revision, and ``features`` are its
    features, as in the board's /proc/cpuinfo: engines choose kernels by these, and crash if they are missing.
    """

    name: str
    architecture: str
    cpu: str
    part: tuple[str, str, str, str]
    features: str

    @property
    def packages(self) -> tuple[str, ...]:
        """The installed Debian packages."""
        return (*_PYTHON, "python3-numpy") if self.architecture == "armhf" else _PYTHON

    @property
    def emulator(self) -> str:
        return "qemu-aarch64" if self.architecture == "arm64" else "qemu-arm"

    @property
    def cpuinfo(self) -> str:
        keys = ("CPU architecture", "CPU variant", "CPU part", "CPU revision")
        rows = [("Features", self.features), ("CPU implementer", "0x41"), *zip(keys, self.part, strict=True)]
        fields = "".join(f"{key}\t: {value}\n" for key, value in rows)
        return "".join(f"processor\t: {core}\nBogoMIPS\t: 108.00\n{fields}\n" for core in range(CORES))


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
    """A board that is set up in ``base``."""

    board: Board
    base: Path

    @property
    def python(self) -> Path:
        """The board's python3, an executable script on this machine."""
        return self.base / self.board.name / "python3"

    def installed(self, site: str, requirements: Sequence[str]) -> Path:
        """Install ``requirements`` and their dependencies into the directory ``site``, as pip would there.

        Wheels in dist/ take precedence over the package index. An existing directory with the same
        requirements is reused. MissingError if the index cannot be reached.
        """
        target = self.base / f"{self.board.architecture}-{site}"
        with _lock(self.base):
            install(target, requirements, self.board.architecture, ROOT / "dist")
        return target

    def run(
        self, arguments: Sequence[object], *, sites: Sequence[Path] = (), seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python program on the board; the exit code is not checked."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sites))}
        command = [str(self.python), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment)


def set_up(name: str, base: Path = BASE) -> EmulatedPi:
    """Set up the board ``name`` unless it exists; MissingError if that is not possible on this machine."""
    board = BOARDS[name]
    base.mkdir(parents=True, exist_ok=True)
    with _lock(base):
        qemu = _build(base / "qemu", f"qemu-user {platform.machine()}", _make_qemu)
        root = _build(
            base / board.architecture,
            " ".join(board.packages),
            lambda directory: _make_root(directory, board),
        )
        recipe = f"{board} {qemu} {root} {_script(board, base)}"
        _build(base / board.name, recipe, lambda directory: _make_board(directory, board, root, base))
    return EmulatedPi(board, base)


def _build(target: Path, recipe: str, make: Callable[[Path], None]) -> Path:
    """Build ``target`` in a temporary directory and rename it, unless it exists from the same ``recipe``."""
    note = target / ".made-of"
    if note.exists() and note.read_text(encoding="utf-8") == recipe:
        return target
    temporary = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        make(temporary)
        (temporary / ".made-of").write_text(recipe, encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _make_qemu(directory: Path) -> None:
    unpack(["qemu-user"], own_architecture(), directory / "root", directory / "apt")
    shutil.rmtree(directory / "apt")
    for emulator in (directory / "root/usr/bin").glob("qemu-*"):
        if emulator.name not in {board.emulator for board in BOARDS.values()}:
            emulator.unlink()


def _make_root(directory: Path, board: Board) -> None:
    unpack(board.packages, board.architecture, directory / "root", directory / "apt")
    shutil.rmtree(directory / "apt")
    byte_compile(directory / "root/usr/lib")


def _make_board(directory: Path, board: Board, root: Path, base: Path) -> None:
    """Create the board's root: symlinks to the files of its architecture, and its own /sys and /proc."""
    view = directory / "root"
    view.mkdir(parents=True)
    for entry in (root / "root").iterdir():
        (view / entry.name).symlink_to(entry)
    cores = view / "sys/devices/system/cpu"
    cores.mkdir(parents=True)
    for name in ("possible", "present", "online"):
        (cores / name).write_text(f"0-{CORES - 1}\n", encoding="utf-8")
    (view / "proc").mkdir()
    (view / "proc/cpuinfo").write_text(board.cpuinfo, encoding="utf-8")
    (directory / "python3").write_text(_script(board, base), encoding="utf-8")
    (directory / "python3").chmod(0o755)


def _script(board: Board, base: Path) -> str:
    """The board's python3 script. QEMU runs with its own C library instead of this machine's."""
    qemu, view = base / "qemu/root", base / board.name / "root"
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
def _lock(base: Path) -> Iterator[None]:
    with (base / ".lock").open("w") as lock:
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
        sites = [str(pi.base / f"{pi.board.architecture}-{site}") for site in args.site]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sites)}
        os.execve(pi.python, [str(pi.python), *args.arguments], environment)  # noqa: S606 - our own script
    return 0


if __name__ == "__main__":
    sys.exit(main())
