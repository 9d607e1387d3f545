"""Finds and opens source files: by name or pattern, compressed or not, in any encoding."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Literal, cast

from hanji.training.archives import largest_unpacked
from hanji.training.errors import DataError
from hanji.training.files import directory_listing, file_names
from hanji.training.recommenders.data.sources.engine import Engine
from hanji.training.regular_files import regular_file

Kind = Literal["text", "json", "parquet"]

SAMPLE_BYTES = 1 << 16
MOST_FILES = 100_000
"""In a folder or of a pattern. The engine opens each, and Spark writes thousands at most."""
_BLOCK_BYTES = 1 << 20
_COMPRESSION = {".gz": "gzip", ".zst": "zstd"}
_KINDS: dict[str, Kind] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
}
_PATTERN = "*?["
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class SourceFile:
    """A file of one kind; ``encoding`` is that of its text."""

    path: Path
    kind: Kind
    encoding: str = "utf-8"


def find_files(directory: Path, name: str, encoding: str | None, engine: Engine) -> list[SourceFile]:
    """The files that ``name`` stands for: a file, a folder with files, or a pattern such as ``part-*.csv``.

    A URI such as ``s3://bucket/folder`` is copied to the engine's temporary directory first. DataError if
    there are no files, or if one is empty or no text.
    """
    paths = _copied(name, engine) if is_uri(name) else _matches(directory, name)
    if not paths:
        raise DataError(f"{directory / name}: expected a file, found none; {directory_listing(directory)}")
    if len(paths) > MOST_FILES:
        raise DataError(f"{directory / name}: expected at most {MOST_FILES:,} files, found more; join them")
    for path in paths:
        _check_ratio(path)
    return [source_file(path, encoding) for path in paths]


def is_uri(name: str) -> bool:
    """Whether ``name`` is a URI rather than the name of a file."""
    return "://" in name


def _copied(uri: str, engine: Engine) -> list[Path]:
    """The files of a URI, as copies; credentials are those that the environment has."""
    import pyarrow as pa
    from pyarrow import fs

    target = engine.scratch / f"remote-{len(list(engine.scratch.iterdir()))}"
    try:
        system, path = fs.FileSystem.from_uri(uri)
        target.mkdir()
        is_file = system.get_file_info(path).type == fs.FileType.File
        copy = target / Path(path).name if is_file else target
        fs.copy_files(path, str(copy), source_filesystem=system)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{uri}: cannot be read: {reason}; check the address and the credentials") from None
    return sorted(found for found in target.rglob("*") if found.is_file())


def source_file(path: Path, encoding: str | None = None) -> SourceFile:
    """The file with its kind and encoding; DataError if it is missing, unreadable, empty or no text."""
    suffixes = [suffix for suffix in path.suffixes if suffix not in _COMPRESSION]
    kind = _KINDS.get(suffixes[-1], "text") if suffixes else "text"
    start = read_sample(path)
    if kind == "parquet":
        return SourceFile(path, kind)
    if not start.strip():
        raise DataError(
            f"{path}: expected interactions or items, found an empty file; download or export it again"
        )
    if encoding is None and start.startswith(_UTF16_MARKS):
        encoding = "utf-16"
    if encoding is None and b"\0" in start:
        line = start.count(b"\n", 0, start.index(b"\0")) + 1
        raise DataError(
            f"{path}:{line}: expected text, found binary data (a zero byte); unpack it if it is an archive, "
            "or save it as UTF-8 text"
        )
    return SourceFile(path, kind, encoding or "utf-8")


def read_sample(path: Path) -> bytes:
    """The first bytes of a file, decompressed."""
    with _reading(path), open_bytes(path) as stream:
        return stream.read(SAMPLE_BYTES)


def open_bytes(path: Path) -> IO[bytes]:
    """The decompressed bytes of a file."""
    stream = regular_file(path).open("rb")
    if path.suffix not in _COMPRESSION:
        return stream
    import pyarrow as pa

    return cast(IO[bytes], pa.CompressedInputStream(stream, _COMPRESSION[path.suffix]))


@contextmanager
def open_text(file: SourceFile) -> Iterator[io.TextIOWrapper]:
    """The text of a file, without a byte order mark; DataError for bytes that are not in its encoding."""
    encoding = "utf-8-sig" if file.encoding == "utf-8" else file.encoding
    with _reading(file.path), open_bytes(file.path) as stream:
        try:
            yield io.TextIOWrapper(stream, encoding=encoding, newline="")
        except UnicodeDecodeError:
            raise _wrong_encoding(file) from None


def in_utf8(file: SourceFile, engine: Engine) -> Path:
    """A path that the engine reads as UTF-8: the file itself, or a link or copy among its temporary files."""
    number = len(list(engine.scratch.iterdir()))
    if file.kind == "parquet" or file.encoding == "utf-8":
        if not set(str(file.path)) & set(_PATTERN):
            return file.path
        link = engine.scratch / f"{number}{''.join(file.path.suffixes[-2:])}"
        link.symlink_to(file.path.resolve())  # the engine would take the name for a pattern
        return link
    copy = engine.scratch / f"{number}.text"
    with open_text(file) as source, copy.open("w", encoding="utf-8", newline="") as target:
        shutil.copyfileobj(source, target)
    return copy


def wrong_encoding(file: SourceFile) -> DataError:
    """The error for a text file that is not in its encoding, with the first such line."""
    number = 0
    with _reading(file.path), open_bytes(file.path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode(file.encoding)
            except UnicodeDecodeError as error:
                found = f"the byte 0x{line[error.start]:02x}"
                return _encoding_error(file, number, found)
    return _encoding_error(file, number, "other bytes")


def _wrong_encoding(file: SourceFile) -> DataError:
    return _encoding_error(file, 1, "other bytes") if file.encoding == "utf-16" else wrong_encoding(file)


def _encoding_error(file: SourceFile, line: int, found: str) -> DataError:
    return DataError(
        f"{file.path}:{line}: expected {file.encoding} text, found {found}; save the file as UTF-8, or set "
        'data.encoding, such as "cp949", "cp1252" or "latin-1"'
    )


def _matches(directory: Path, name: str) -> list[Path]:
    file_names(directory)  # a clear error for a directory that cannot be read
    path = directory / name
    if path.is_file():
        return [path]  # even if its name looks like a pattern
    if path.is_dir():
        # Spark and Hive mark files that are no data, such as _SUCCESS, by their names.
        files = (found for found in path.rglob("*") if not found.name.startswith((".", "_")))
    elif set(name) & set(_PATTERN):
        files = directory.glob(name)
    else:
        return [path]
    return sorted(islice((found for found in files if found.is_file()), MOST_FILES + 1))


def _check_ratio(path: Path) -> None:
    """DataError for a compressed file that would fill the disk: gzip states no size, so it is unpacked."""
    if path.suffix not in _COMPRESSION:
        return
    packed, unpacked = path.stat().st_size, 0
    largest = largest_unpacked(packed)
    with _reading(path), open_bytes(path) as stream:
        while block := stream.read(_BLOCK_BYTES):
            unpacked += len(block)
            if unpacked > largest:
                raise DataError(
                    f"{path}: expected at most {largest:,} bytes from {packed:,} compressed ones, found "
                    "more; unpack the file if that is right"
                )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: expected a file, found none; {directory_listing(path.parent)}") from None
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be read: {reason}; check its permissions and type") from None


def without_mark(data: bytes) -> bytes:
    """The bytes without a UTF-8 byte order mark."""
    return data.removeprefix(_UTF8_MARK)


__all__ = [
    "SourceFile",
    "find_files",
    "in_utf8",
    "is_uri",
    "open_bytes",
    "open_text",
    "read_sample",
    "source_file",
    "without_mark",
    "wrong_encoding",
]
