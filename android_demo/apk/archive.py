"""Writes an unsigned APK with aligned, uncompressed libraries and assets.

Native libraries and assets are stored, so that the system can map them from the APK. Libraries start at 16 KB
boundaries. The padding is in the zip's extra field 0xd935, which also contains the alignment: apksigner reads
it and preserves the alignment when it rewrites the archive; its default is only 4 KB.

Names are sorted and timestamps are fixed, so the output is reproducible.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

LIBRARY_ALIGNMENT = 16 * 1024
ALIGNMENT = 4
ALIGNMENT_FIELD = 0xD935
_LOCAL_HEADER = 30
_FIELD = struct.Struct("<HHH")
_TIME = (1980, 1, 1, 0, 0, 0)
_STORED = (".so", ".arsc", ".png", ".jpg")


def write_apk(target: Path, linked: Path, added: Mapping[str, bytes]) -> None:
    """Write ``linked`` (aapt2's output) and the ``added`` files to ``target``; ValueError for duplicates."""
    with zipfile.ZipFile(linked) as resources:
        files = {name: resources.read(name) for name in resources.namelist()}
    duplicates = sorted(files.keys() & added.keys())
    if duplicates:
        raise ValueError(f"{target.name}: expected each file once, found {', '.join(duplicates)} twice")
    files |= added
    with zipfile.ZipFile(target, "w") as apk:
        for name in sorted(files):
            _write(apk, name, files[name])


def entries(apk: Path) -> Iterator[tuple[zipfile.ZipInfo, int]]:
    """Yield each file of an APK with the offset of its content."""
    with zipfile.ZipFile(apk) as archive, apk.open("rb") as raw:
        for info in archive.infolist():
            raw.seek(info.header_offset + 26)
            name, extra = struct.unpack("<HH", raw.read(4))
            yield info, info.header_offset + _LOCAL_HEADER + name + extra


def is_stored(name: str) -> bool:
    """Whether a file is stored uncompressed in the APK."""
    return name.startswith("assets/") or name.endswith(_STORED)


def _write(apk: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _TIME)
    info.external_attr = 0o644 << 16
    info.compress_type = zipfile.ZIP_STORED if is_stored(name) else zipfile.ZIP_DEFLATED
    if is_stored(name):
        info.extra = _padding(apk.start_dir + _LOCAL_HEADER + len(name.encode()), name)
    apk.writestr(info, content, compresslevel=9)


def _padding(offset: int, name: str) -> bytes:
    """The extra field at ``offset`` that aligns the content of ``name``, which follows it."""
    alignment = LIBRARY_ALIGNMENT if name.endswith(".so") else ALIGNMENT
    zeros = -(offset + _FIELD.size) % alignment
    return _FIELD.pack(ALIGNMENT_FIELD, 2 + zeros, alignment) + bytes(zeros)
