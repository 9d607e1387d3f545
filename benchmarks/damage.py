"""Mutations of a bundle: of bits, bytes and files, and of fields, paths and sizes in its JSON."""

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
    """The paths of all files, sorted."""
    return sorted(str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file())


def bits(bundle: Path, rng: Rng) -> str:
    """Flip one or several bits of a file."""
    name = rng.choice(files_of(bundle))
    content = bytearray((bundle / name).read_bytes())
    for _ in range(rng.choice([1, 1, 1, 2, 16])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return _changed(bundle, name, bytes(content))


def bytes_cut_or_added(bundle: Path, rng: Rng) -> str:
    """Truncate, cut, insert, overwrite or append bytes, or empty the file."""
    name = rng.choice(files_of(bundle))
    content = (bundle / name).read_bytes()
    at, length = rng.randrange(len(content)), rng.choice([1, 1, 4, 16, 4096])
    noise = rng.randbytes(length)
    choices = [content[:at], content[:at] + content[at + length :], content[:at] + noise + content[at:]]
    choices += [content[:at] + noise + content[at + length :], content + noise, b"", content + content]
    return _changed(bundle, name, rng.choice(choices))


def files_swapped(bundle: Path, rng: Rng) -> str:
    """Swap two files, replace one by a copy of the other, or delete one."""
    one, other = rng.sample(files_of(bundle), 2)
    first, second = (bundle / one).read_bytes(), (bundle / other).read_bytes()
    if rng.random() < 0.2:
        (bundle / one).unlink()
        return f"{one} deleted"
    if rng.random() < 0.5:
        (bundle / other).write_bytes(first)
    (bundle / one).write_bytes(second)
    return f"{one} and {other} swapped"


def special_files(bundle: Path, rng: Rng) -> str:
    """Replace a file by a link (to outside, a device, itself), a directory, a pipe or a 4 TiB file."""
    name = rng.choice(files_of(bundle))
    path = bundle / name
    content = path.read_bytes()
    outside = bundle.parent / "outside"
    outside.write_bytes(content)
    kind = rng.choice(["out", "device", "memory", "loop", "directory", "pipe", "giant"])
    path.unlink()
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "giant":
        path.write_bytes(content)
        os.truncate(path, 2**42)
    else:
        targets = {"out": outside, "device": "/dev/zero", "memory": "/proc/self/mem", "loop": path}
        path.symlink_to(targets[kind])
    return f"{name}: {kind}"


def manifest_fields(bundle: Path, rng: Rng) -> str:
    """Change the type or size of a manifest field, delete one or add one; the checksum is updated."""
    return _with_manifest(bundle, lambda manifest: _mutated_field(manifest, rng))


def manifest_fields_unnoticed(bundle: Path, rng: Rng) -> str:
    """The same without updating the checksum."""
    checksum = (bundle / CHECKSUM).read_bytes()
    change = manifest_fields(bundle, rng)
    (bundle / CHECKSUM).write_bytes(checksum)
    return change


def manifest_paths(bundle: Path, rng: Rng) -> str:
    """Change a path in the manifest to one outside, with the exported content; the checksum is updated."""

    def change(manifest: Any) -> str:
        paths = [
            (parent, key)
            for parent, key in _entries(manifest)
            if key == "path" or parent[key] == "golden.json"
        ]
        parent, key = rng.choice(paths)
        old, parent[key] = parent[key], rng.choice(_PATHS)
        content = (bundle / old).read_bytes()
        (bundle.parent / "outside").write_bytes(content)
        (bundle / "linked").symlink_to(bundle.parent)
        if rng.random() < 0.5:  # everywhere, so that the manifest is consistent
            for other, name in paths:
                other[name] = parent[key] if other[name] == old else other[name]
        return f"{old} → {parent[key][:40]}"

    return _with_manifest(bundle, change)


def manifest_sizes(bundle: Path, rng: Rng) -> str:
    """Change a count, size, shape or version in the manifest to another number; the checksum is updated."""

    def change(manifest: Any) -> str:
        numbers = [(parent, key) for parent, key in _entries(manifest) if type(parent[key]) in (int, float)]
        parent, key = rng.choice(numbers)
        old = parent[key]
        parent[key] = rng.choice([*_NUMBERS, old + 1, old - 1, old * 2, -old])
        return f"{key}: {old} → {str(parent[key])[:40]}"

    return _with_manifest(bundle, change)


def manifest_text(bundle: Path, rng: Rng) -> str:
    """Replace the manifest by invalid or problematic JSON; the checksum is updated."""
    content, change = _mutated_text((bundle / MANIFEST).read_bytes(), rng)
    _write_manifest(bundle, content)
    return change


def data_fields(bundle: Path, rng: Rng) -> str:
    """Change a field of another JSON file; all checksums are updated, as for an intended change."""
    name = _data_file(bundle, rng)
    table = json.loads((bundle / name).read_text(encoding="utf-8"))
    change = _mutated_field(table, rng)
    return rewritten(bundle, name, _dumped(table), change)


def data_text(bundle: Path, rng: Rng) -> str:
    """Replace another JSON file by invalid or problematic JSON; all checksums are updated."""
    name = _data_file(bundle, rng)
    content, change = _mutated_text((bundle / name).read_bytes(), rng)
    return rewritten(bundle, name, content, change)


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
"""Mutations of files without their checksums: a check of all files must reject them."""

INTENDED = (data_fields, data_text)
"""Mutations that update all checksums: the result is a different bundle, which may be valid."""


def _changed(bundle: Path, name: str, content: bytes) -> str:
    (bundle / name).write_bytes(content)
    return name


def _entries(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every entry of a JSON tree, as its parent and its key or index in it."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _entries(value[key])


def _mutated_field(table: Any, rng: Rng) -> str:
    parent, key = rng.choice(list(_entries(table)))
    old = parent[key]
    kind = rng.randrange(8)
    if kind == 0:
        del parent[key]
        return f"{key} deleted"
    if kind == 1 and isinstance(parent, dict):
        parent[rng.choice(["", "new", "path", "x" * 1000])] = old
        return f"{key} duplicated"
    if kind == 2:
        for _ in range(rng.choice([1, 50, 900])):
            old = [old]
        parent[key] = old
        return f"{key} nested"
    if kind == 3 and isinstance(old, list) and old:
        old.append(old[0])
        return f"{key} longer"
    parent[key] = rng.choice([*_NUMBERS, *_TEXTS, *_OTHERS])
    return f"{key}: {str(parent[key])[:40]!r}"


def _mutated_text(content: bytes, rng: Rng) -> tuple[bytes, str]:
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
    change = rng.choice(sorted(choices))
    return choices[change](), change


def _data_file(bundle: Path, rng: Rng) -> str:
    return rng.choice([name for name in files_of(bundle) if name.endswith("s.json") or name == "golden.json"])


def rewritten(bundle: Path, name: str, content: bytes, change: str) -> str:
    """Write a file and update all checksums."""
    (bundle / name).write_bytes(content)

    def update(manifest: Any) -> str:
        for parent, key in _entries(manifest):
            if key == "path" and parent["path"] == name and "sha256" in parent:
                parent["bytes"], parent["sha256"] = len(content), hashlib.sha256(content).hexdigest()
        return f"{name}: {change}"

    return _with_manifest(bundle, update)


def _with_manifest(bundle: Path, mutate: Callable[[Any], str]) -> str:
    manifest = json.loads((bundle / MANIFEST).read_bytes())
    change = mutate(manifest)
    _write_manifest(bundle, _dumped(manifest))
    return change


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
