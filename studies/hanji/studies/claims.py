"""Claims: files by which processes, possibly on several machines, agree on who does what in a directory.

A claim is created with O_EXCL, which NFS carries out as one operation since version 3, and its holder touches
it every few seconds. A claim NAME.1.claim whose holder no longer does so is taken over by creating
NAME.2.claim, which only one process can: nothing is renamed or removed that another process might just have
created. Ages are differences of modification times, both of which the file system sets, so that the clocks of
the machines do not matter.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from hanji.training.errors import HanjiError
from hanji.training.json_files import read_json

HEARTBEAT_S = 5.0
STALE_S = 60.0
"""A claim that was not touched for this long is taken over. NFS clients may cache attributes for as long."""

_CLAIM = ".claim"


@dataclass(frozen=True)
class Holder:
    """The process that holds a claim."""

    host: str
    pid: int
    system: str = ""
    """The boot and the PID namespace in which ``pid`` names a process; empty where they are unknown."""

    def __str__(self) -> str:
        return f"{self.host} (process {self.pid})"

    @property
    def is_gone(self) -> bool:
        """Whether this is a process of the same system that no longer exists."""
        if not self.system or self.system != _system():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False


class Claim:
    """A claim that this process holds; a thread touches it until it is released."""

    def __init__(self, path: Path) -> None:
        self._path, self._released = path, threading.Event()
        self.lost = False
        """Whether another process took it over, because this one did not run for longer than STALE_S."""

        self._thread = threading.Thread(target=self._beat, daemon=True, name=f"heartbeat of {path.name}")
        self._thread.start()

    def release(self) -> None:
        """Stop holding the claim."""
        self._released.set()
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT_S):
            try:
                os.utime(self._path)
            except FileNotFoundError:
                self.lost = True
                return
            except OSError:  # a file server may be away for a while; the next heartbeat tries again
                continue


class Claims:
    """The claims in ``folder``, which is created if it is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HanjiError(
                f"{folder}: cannot be created: {error.strerror or error}; choose another --out"
            ) from None

    def claim(self, name: str) -> Claim | None:
        """Claim ``name``; None if a running process holds it. HanjiError if the folder cannot be written."""
        latest = max(self._generations(name), default=0)
        if latest and self._is_alive(self._path(name, latest)):
            return None
        path = self._path(name, latest + 1)
        if not _created(path):
            return None
        generations = self._generations(name)
        if max(generations, default=0) > latest + 1:  # others took the claim over, twice, in the meantime
            path.unlink(missing_ok=True)
            return None
        for older in generations:
            if older <= latest:
                self._path(name, older).unlink(missing_ok=True)
        return Claim(path)

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[Claim | None]:
        """The claim of ``name`` while the block runs; None if a running process holds it."""
        claim = self.claim(name)
        try:
            yield claim
        finally:
            if claim is not None:
                claim.release()

    def holder(self, name: str) -> Holder | None:
        """The running process that holds ``name``, or None."""
        latest = max(self._generations(name), default=0)
        path = self._path(name, latest)
        return _holder(path) if latest and self._is_alive(path) else None

    def holders(self) -> dict[str, Holder]:
        """The running process that holds each claim, by name."""
        names = sorted({_parts(file)[0] for file in self.files() if file.endswith(_CLAIM)})
        found = {name: self.holder(name) for name in names}
        return {name: holder for name, holder in found.items() if holder is not None}

    def files(self) -> set[str]:
        """The names of all files. Listing makes NFS clients look up names anew that they have cached."""
        return {path.name for path in self.folder.iterdir() if not path.name.startswith(".")}

    def clear(self) -> None:
        """Remove all files but the claims of running processes."""
        alive = set(self.holders())
        for name in self.files():
            if not (name.endswith(_CLAIM) and _parts(name)[0] in alive):
                (self.folder / name).unlink(missing_ok=True)

    def _path(self, name: str, generation: int) -> Path:
        return self.folder / f"{name}.{generation}{_CLAIM}"

    def _generations(self, name: str) -> list[int]:
        parts = [_parts(file) for file in self.files() if file.endswith(_CLAIM)]
        return [generation for other, generation in parts if other == name]

    def _is_alive(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:  # NFS clients ask the server for the time of a file that they open
                touched = os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return False
        return self._now() - touched < STALE_S and not _holder(path).is_gone

    def _now(self) -> float:
        """The current time by the clock of the file system."""
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".clock-") as file:
            return os.fstat(file.fileno()).st_mtime


def _created(path: Path) -> bool:
    """Create a claim with this process as its holder; False if another process was faster."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    except OSError as error:
        raise HanjiError(
            f"{path}: cannot be written: {error.strerror or error}; choose another --out"
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(this_process())) + "\n")
    return True


def _holder(path: Path) -> Holder:
    try:
        return Holder(**read_json(path))
    except (OSError, ValueError, TypeError):  # released or not yet written
        return Holder("another process", 0)


def _parts(file: str) -> tuple[str, int]:
    """The name and the generation of a claim's file."""
    name, _, generation = file.removesuffix(_CLAIM).rpartition(".")
    return name, int(generation) if generation.isdecimal() else 0


def this_process() -> Holder:
    """This process as the holder of claims."""
    return Holder(platform.node() or "unknown host", os.getpid(), _system())


def unique_name(prefix: str) -> str:
    """A name that no other process claims."""
    return f"{prefix}-{secrets.token_hex(4)}"


def _system() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


__all__ = ["Claim", "Claims", "Holder", "this_process", "unique_name"]
