"""Who works in an output directory: one command alone, or several, on machines that share it, together."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hanji.studies.claims import Claims, Holder, this_process, unique_name
from hanji.training.errors import HanjiError
from hanji.training.files import write_text_atomic
from hanji.training.json_files import read_own_json

FOLDER = "claims"
_ALONE, _MEMBER, _ENTRANCE = "alone", "member", "entrance"
_WORK = "work.json"
_POLL_S = 0.2


@dataclass(frozen=True)
class Work:
    """What the members do: all that must be equal for their results to be comparable."""

    study: str
    """Hash of the study file and its base recipe."""

    data: dict[str, str]
    """Hashes of the data by seed."""

    versions: dict[str, str]
    """Versions of packages by name."""


@contextlib.contextmanager
def alone(out: Path, command: str) -> Iterator[None]:
    """Hold ``out`` while the block runs; HanjiError if another command works there.

    ``command`` is the command that holds it, for the message.
    """
    claims = Claims(out / FOLDER)
    with claims.held(_ALONE) as claim:
        other = claims.holder(_ALONE) if claim is None else _any_member(claims)
        if claim is None or other is not None:
            raise HanjiError(_occupied(out, command, other))
        yield
    with contextlib.suppress(OSError):  # what an earlier study of several machines left there stays
        claims.folder.rmdir()


@contextlib.contextmanager
def together(out: Path, work: Work) -> Iterator[Claims]:
    """Be a member of those who share ``out`` while the block runs; yields their claims.

    The first member begins anew: it removes what an earlier study recorded about its jobs. HanjiError if a
    command works there alone, or if the others do other ``work``.
    """
    claims = Claims(out / FOLDER)
    with _entered(claims):
        single = claims.holder(_ALONE)
        if single is not None:
            raise HanjiError(_occupied(out, "hanji compare", single))
        first = _any_member(claims)
        if first is None:
            claims.clear()
            about = {"first": asdict(this_process()), **asdict(work)}
            write_text_atomic(claims.folder / _WORK, json.dumps(about, indent=1) + "\n")
        else:
            _check_same(read_own_json(claims.folder / _WORK), work, out)
        member = claims.claim(unique_name(_MEMBER))
    if member is None:
        raise HanjiError(f"{claims.folder}: a claim could not be made; run the command again")
    try:
        yield claims
    finally:
        member.release()


@contextlib.contextmanager
def _entered(claims: Claims) -> Iterator[None]:
    """Hold the entrance, where one process at a time finds out whether it is the first."""
    while (entrance := claims.claim(_ENTRANCE)) is None:
        time.sleep(_POLL_S)
    try:
        yield
    finally:
        entrance.release()


def _any_member(claims: Claims) -> Holder | None:
    members = [holder for name, holder in claims.holders().items() if name.startswith(f"{_MEMBER}-")]
    return min(members, key=str, default=None)


def _occupied(out: Path, command: str, holder: Holder | None) -> str:
    share = ", or give all of them --shared to divide the jobs" if command == "hanji compare" else ""
    return (
        f"{out}: another command works in this directory: {holder or 'it has just started'}; wait until it "
        f"has ended, choose another --out{share}"
    )


def _check_same(others: dict[str, Any], own: Work, out: Path) -> None:
    """HanjiError with the difference between the own work and that of the others."""
    difference = _difference(others, own)
    if difference:
        first = Holder(**others["first"])
        raise HanjiError(
            f"{out}: {first} shares this directory with {difference}; results of both must not be mixed: "
            "make them equal, or choose another --out"
        )


def _difference(others: dict[str, Any], own: Work) -> str:
    versions: dict[str, str] = others["versions"]
    for name in sorted(versions.keys() | own.versions.keys()):
        there, here = versions.get(name), own.versions.get(name)
        if there != here:
            return f"another version of {name}: {there} there, {here} here"
    if others["study"] != own.study:
        return "another study file or another base recipe"
    if others["data"] != own.data:
        return "other data: the contents of the files given as --data differ"
    return ""


__all__ = ["FOLDER", "Work", "alone", "together"]
