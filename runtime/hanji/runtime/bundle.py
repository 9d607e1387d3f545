"""Opens a bundle directory and gives access to its verified files, as bytes or as an open file.

The manifest is checked against ``manifest.sha256`` before it is parsed, every other file against
the manifest before its content is used. The bytes that were hashed are the bytes that are used;
see ``mapped_file`` for large files.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from hanji.runtime.errors import BundleError, ChecksumError
from hanji.runtime.json_table import LARGEST_JSON_BYTES
from hanji.runtime.manifest import AnyManifest, FileEntry
from hanji.runtime.manifest.reader import parse_manifest
from hanji.runtime.mapped_file import MappedFile, can_be_mapped
from hanji.runtime.records import Record

MANIFEST = "manifest.json"
CHECKSUM = "manifest.sha256"
_LARGEST_MANIFEST_BYTES = 16 * 2**20
MAPPED_FROM_BYTES = 4 * 2**20
"""A smaller file is copied: less than 1 % of the smallest Raspberry Pi's memory, and immune to changes."""
_AGAIN = "copy or export the bundle again"

Content: TypeAlias = bytes | MappedFile
"""A verified file: its bytes or, if it is large, the open file."""


@dataclass(frozen=True, eq=False, repr=False)
class Bundle(Record):
    """A bundle directory whose manifest has been verified."""

    root: Path
    manifest: AnyManifest
    manifest_sha256: str
    mapped: list[MappedFile] = field(default_factory=list)
    """The files that ``content`` has returned open."""

    def file(self, path: str) -> FileEntry:
        """The manifest entry of one of the bundle's own files (users, items, labels, golden)."""
        return next(file for file in self.manifest.files if file.path == path)

    def check_sizes(self, files: Iterable[FileEntry]) -> None:
        """Raise BundleError for a missing file, ChecksumError for a wrong size; reads no content."""
        for file in files:
            _check_size(self.root / file.path, _size(self.root, file.path), file.bytes)

    def read(self, file: FileEntry) -> bytes:
        """The content of ``file``; BundleError or ChecksumError if it is not what was exported."""
        self.check_sizes([file])
        location = self.root / file.path
        content = _content(location, file.bytes)
        _check_size(location, len(content), file.bytes)
        _check_sha256(location, hashlib.sha256(content).hexdigest(), file.sha256)
        return content

    def read_json(self, path: str) -> bytes:
        """``read`` for JSON at ``path``; BundleError, before it is read, for more than LARGEST_JSON_BYTES."""
        file = self.file(path)
        _check_largest(self.root / path, file.bytes, LARGEST_JSON_BYTES)
        return self.read(file)

    def content(self, file: FileEntry) -> Content:
        """Like ``read``, but a file of ``MAPPED_FROM_BYTES`` or more is returned open, not in memory."""
        if file.bytes < MAPPED_FROM_BYTES or not can_be_mapped():
            return self.read(file)
        self.check_sizes([file])
        location = self.root / file.path
        try:
            opened = MappedFile(location)
            _check_size(location, opened.bytes, file.bytes)
            _check_sha256(location, opened.sha256(), file.sha256)
        except OSError as error:
            raise BundleError(f"{location}: cannot be read: {error.strerror}") from error
        self.mapped.append(opened)
        return opened


def open_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Open the bundle directory ``path``: verifies and parses the manifest, reads no other file.

    Raises BundleError if there is no bundle, ChecksumError if manifest.json is not the exported
    one, SchemaVersionError if this runtime is too old for it.
    """
    root = Path(path)
    _require_directory(root)
    content = _small_file(root, MANIFEST)
    checksum = _small_file(root, CHECKSUM)
    digest = hashlib.sha256(content).hexdigest()
    if checksum != f"{digest}  {MANIFEST}\n".encode():
        raise ChecksumError(
            f"{root / MANIFEST}: its sha256 {digest} does not match {CHECKSUM}: "
            f"one of the two was modified or damaged; {_AGAIN}"
        )
    return Bundle(root, parse_manifest(content, str(root / MANIFEST)), digest)


def _require_directory(root: Path) -> None:
    try:
        found = "a file" if not stat.S_ISDIR(root.stat().st_mode) else None
    except (FileNotFoundError, NotADirectoryError):
        found = "nothing"
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = error.strerror if isinstance(error, OSError) else error
        raise BundleError(f"{root}: cannot be read: {reason}") from error
    if found:
        raise BundleError(
            f"{root}: expected a bundle directory, found {found}; "
            "pass the output directory of `hanji build` or `hanji export`"
        )


def _small_file(root: Path, name: str) -> bytes:
    size = _size(root, name)
    _check_largest(root / name, size, _LARGEST_MANIFEST_BYTES)
    return _content(root / name, size)


def _size(root: Path, path: str) -> int:
    """Size in bytes of a regular file inside ``root``."""
    location = root / path
    if not Path(os.path.realpath(location)).is_relative_to(os.path.realpath(root)):
        raise BundleError(f"{location}: a symbolic link to a location outside the bundle; {_AGAIN}")
    try:
        status = location.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(f"{location}: the file is missing; {_AGAIN}") from None
    except OSError as error:
        raise BundleError(f"{location}: cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise BundleError(f"{location}: expected a regular file; {_AGAIN}")
    return status.st_size


def _content(location: Path, size: int) -> bytes:
    """Read at most ``size`` + 1 bytes, even if the file has grown since its size was checked."""
    try:
        with location.open("rb") as stream:
            return stream.read(size + 1)
    except OSError as error:
        raise BundleError(f"{location}: cannot be read: {error.strerror}") from error


def _check_largest(location: Path, found: int, largest: int) -> None:
    if found > largest:
        raise BundleError(f"{location}: expected at most {largest} bytes, found {found}; {_AGAIN}")


def _check_size(location: Path, found: int, expected: int) -> None:
    if found != expected:
        raise ChecksumError(
            f"{location}: expected {expected} bytes, found {found}: "
            f"the file is truncated or modified; {_AGAIN}"
        )


def _check_sha256(location: Path, found: str, expected: str) -> None:
    if found != expected:
        raise ChecksumError(
            f"{location}: expected sha256 {expected}, found {found}: "
            f"the file is modified or damaged; {_AGAIN}"
        )
