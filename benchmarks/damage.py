"""Ways to damage a bundle: bits, bytes, files, and fields, paths and sizes in its JSON."""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hanji.runtime.bundle import CHECKSUM, MANIFEST

_NUMBERS = [0, -1, 1, 2**31, 2**63, -(2**64), 10**400, 1e308, -0.0, 0.5]
_TEXTS = [
    "",
    "x",
    "\0",
    "\ud800",
    "a" * 100_000,
    "../../etc/passwd",
    "/etc/passwd",
    "model.tflite/",
    "NaN",
    "한지",
]
_OTHERS = [None, True, False, [], {}, [[]], [None] * 1000, {"": {}}]
_PATHS = [
    "../outside",
    "/etc/passwd",
    "tfjs/../../outside",
    "./manifest.json",
    "..",
    ".",
    "~/outside",
    "outside\\..\\..",
    "C:\\outside",
    "file:///etc/passwd",
    "manifest.json",
    "linked/outside",
    "a/" * 2000,
]

Rng = random.Random
Mutator = Callable[[Path, Rng], str]


def files_of(bundle: Path) -> list[str]:
    """The paths of all files, in their order."""
    return sorted(str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file())


def bits(bundle: Path, rng: Rng) -> str:
    """One bit or several are flipped in one file."""
    name = rng.choice(files_of(bundle))
    content = bytearray((bundle / name).read_bytes())
    for _ in range(rng.choice([1, 1, 1, 2, 16])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return _changed(bundle, name, bytes(content))


def bytes_cut_or_added(bundle: Path, rng: Rng) -> str:
    """Bytes are cut off or out, put in, written over, appended; or the file is empty."""
    name = rng.choice(files_of(bundle))
    content = (bundle / name).read_bytes()
    at, length = rng.randrange(len(content)), rng.choice([1, 1, 4, 16, 4096])
    noise = rng.randbytes(length)
    choices = [content[:at], content[:at] + content[at + length :], content[:at] + noise + content[at:]]
    choices += [content[:at] + noise + content[at + length :], content + noise, b"", content + content]
    return _changed(bundle, name, rng.choice(choices))


def files_swapped(bundle: Path, rng: Rng) -> str:
    """Two files change places, one is a copy of the other, or one is gone."""
    one, other = rng.sample(files_of(bundle), 2)
    first, second = (bundle / one).read_bytes(), (bundle / other).read_bytes()
    if rng.random() < 0.2:
        (bundle / one).unlink()
        return f"{one} gone"
    if rng.random() < 0.5:
        (bundle / other).write_bytes(first)
    (bundle / one).write_bytes(second)
    return f"{one} and {other} swapped"


def special_files(bundle: Path, rng: Rng) -> str:
    """A file is a link out of the bundle, to a device, to itself; a directory, a pipe, or 2^42 bytes long."""
    name = rng.choice(files_of(bundle))
    place = bundle / name
    content = place.read_bytes()
    outside = bundle.parent / "outside"
    outside.write_bytes(content)
    kind = rng.choice(["out", "device", "memory", "loop", "directory", "pipe", "giant"])
    place.unlink()
    if kind == "directory":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "giant":
        place.write_bytes(content)
        os.truncate(place, 2**42)
    else:
        places = {"out": outside, "device": "/dev/zero", "memory": "/proc/self/mem", "loop": place}
        place.symlink_to(places[kind])
    return f"{name}: {kind}"


def manifest_fields(bundle: Path, rng: Rng) -> str:
    """A field of the manifest is of another type or size, gone, or new; the checksum fits."""
    return _with_manifest(bundle, lambda manifest: _other_field(manifest, rng))


def manifest_fields_unnoticed(bundle: Path, rng: Rng) -> str:
    """The same with the old checksum."""
    checksum = (bundle / CHECKSUM).read_bytes()
    said = manifest_fields(bundle, rng)
    (bundle / CHECKSUM).write_bytes(checksum)
    return said


def manifest_paths(bundle: Path, rng: Rng) -> str:
    """A path in the manifest leads elsewhere, to a file that is what was exported; the checksum fits."""

    def change(manifest: Any) -> str:
        places = [
            (parent, key)
            for parent, key in _places(manifest)
            if key == "path" or parent[key] == "golden.json"
        ]
        parent, key = rng.choice(places)
        old, parent[key] = parent[key], rng.choice(_PATHS)
        content = (bundle / old).read_bytes()
        (bundle.parent / "outside").write_bytes(content)
        (bundle / "linked").symlink_to(bundle.parent)
        if rng.random() < 0.5:  # everywhere, so that the manifest agrees with itself
            for other, name in places:
                other[name] = parent[key] if other[name] == old else other[name]
        return f"{old} → {parent[key][:40]}"

    return _with_manifest(bundle, change)


def manifest_sizes(bundle: Path, rng: Rng) -> str:
    """A count, a size, a shape or a version in the manifest is another number; the checksum fits."""

    def change(manifest: Any) -> str:
        places = [(parent, key) for parent, key in _places(manifest) if type(parent[key]) in (int, float)]
        parent, key = rng.choice(places)
        old = parent[key]
        parent[key] = rng.choice([*_NUMBERS, old + 1, old - 1, old * 2, -old])
        return f"{key}: {old} → {str(parent[key])[:40]}"

    return _with_manifest(bundle, change)


def manifest_text(bundle: Path, rng: Rng) -> str:
    """The manifest is no JSON, or JSON that readers stumble over; the checksum fits."""
    content, said = _odd_text((bundle / MANIFEST).read_bytes(), rng)
    _write_manifest(bundle, content)
    return said


def data_fields(bundle: Path, rng: Rng) -> str:
    """A field of another JSON file is changed, and all checksums fit: whoever did so meant it."""
    name = _data_file(bundle, rng)
    table = json.loads((bundle / name).read_text(encoding="utf-8"))
    said = _other_field(table, rng)
    return _rewritten(bundle, name, _dumped(table), said)


def data_text(bundle: Path, rng: Rng) -> str:
    """Another JSON file is no JSON, or JSON that readers stumble over, and all checksums fit."""
    name = _data_file(bundle, rng)
    content, said = _odd_text((bundle / name).read_bytes(), rng)
    return _rewritten(bundle, name, content, said)


MUTATORS: tuple[Mutator, ...] = (
    bits,
    bytes_cut_or_added,
    files_swapped,
    special_files,
    manifest_fields,
    manifest_fields_unnoticed,
    manifest_paths,
    manifest_sizes,
    manifest_text,
    data_fields,
    data_text,
)
DAMAGE = (bits, bytes_cut_or_added, files_swapped, special_files)
"""These change files and no checksum: a check of all files must refuse them, whatever an engine reads."""

MEANT = (data_fields, data_text)
"""These change what a bundle says and all its checksums: it is another one, which may be well formed."""


def _changed(bundle: Path, name: str, content: bytes) -> str:
    (bundle / name).write_bytes(content)
    return name


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree of JSON, as its parent and its key or index there."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def _other_field(table: Any, rng: Rng) -> str:
    parent, key = rng.choice(list(_places(table)))
    old = parent[key]
    how = rng.randrange(8)
    if how == 0:
        del parent[key]
        return f"{key} gone"
    if how == 1 and isinstance(parent, dict):
        parent[rng.choice(["", "new", "path", "x" * 1000])] = old
        return f"{key} again"
    if how == 2:
        for _ in range(rng.choice([1, 50, 900])):
            old = [old]
        parent[key] = old
        return f"{key} nested"
    if how == 3 and isinstance(old, list) and old:
        old.append(old[0])
        return f"{key} longer"
    parent[key] = rng.choice([*_NUMBERS, *_TEXTS, *_OTHERS])
    return f"{key}: {str(parent[key])[:40]!r}"


def _odd_text(content: bytes, rng: Rng) -> tuple[bytes, str]:
    at = content.index(b"{") + 1
    head, rest = content[:at], content[at:]
    choices: dict[str, Callable[[], bytes]] = {
        "deep": lambda: head + b'"deep":' + b"[" * 200_000 + b"]" * 200_000 + b"," + rest,
        "deep and open": lambda: b'{"a":' * 100_000,
        "twice": lambda: head + b'"schema_version": 9,' + rest,
        "long number": lambda: head + b'"n": ' + b"9" * 200_000 + b"," + rest,
        "no number": lambda: head + b'"n": NaN, "m": -Infinity,' + rest,
        "mark": lambda: b"\xef\xbb\xbf" + content,
        "UTF-16": lambda: content.decode().encode("utf-16"),
        "Latin-1": lambda: head + b'"n": "\xe9",' + rest,
        "much space": lambda: content + b" " * 2**22,
        "two": lambda: content + content,
        "a list": lambda: b"[" + content + b"]",
        "nothing": lambda: b"null",
        "noise": lambda: rng.randbytes(1000),
    }
    said = rng.choice(sorted(choices))
    return choices[said](), said


def _data_file(bundle: Path, rng: Rng) -> str:
    return rng.choice([name for name in files_of(bundle) if name.endswith("s.json") or name == "golden.json"])


def _rewritten(bundle: Path, name: str, content: bytes, said: str) -> str:
    """Write a file and all checksums so that they fit."""
    (bundle / name).write_bytes(content)

    def change(manifest: Any) -> str:
        for parent, key in _places(manifest):
            if key == "path" and parent["path"] == name and "sha256" in parent:
                parent["bytes"], parent["sha256"] = len(content), hashlib.sha256(content).hexdigest()
        return f"{name}: {said}"

    return _with_manifest(bundle, change)


def _with_manifest(bundle: Path, change: Callable[[Any], str]) -> str:
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    said = change(manifest)
    _write_manifest(bundle, _dumped(manifest))
    return said


def _dumped(table: Any) -> bytes:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    try:
        return json.dumps(table).encode()
    finally:
        sys.setrecursionlimit(limit)


def _write_manifest(bundle: Path, content: bytes) -> None:
    (bundle / MANIFEST).write_bytes(content)
    (bundle / CHECKSUM).write_text(f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n", encoding="utf-8")
