"""Download of MovieLens from GroupLens, after the user accepted its licence."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from hanji.training.errors import DataError
from hanji.training.files import atomic_directory

_TIMEOUT_SECONDS = 30.0
_BLOCK_BYTES = 1 << 16

_LICENCE = """\
MovieLens is the work of GroupLens Research at the University of Minnesota. In short, its licence says:
  - research use only; no commercial use without GroupLens's permission
  - do not pass the data on without permission
  - name the data in publications (Harper and Konstan, 2015) and do not suggest that GroupLens endorses you
  - there is no warranty of any kind
The full text is {url} and comes with the data as README."""


@dataclass(frozen=True)
class Archive:
    """A zip file to download, pinned by size and SHA-256."""

    name: str
    url: str
    bytes: int
    sha256: str
    members: tuple[str, ...]
    """The files to extract, with their folder, which is dropped on extraction."""

    largest_member_bytes: int
    licence: str


_GROUPLENS = "https://files.grouplens.org/datasets/movielens"

ARCHIVES = {
    archive.name: archive
    for archive in (
        Archive(
            name="movielens-1m",
            url=f"{_GROUPLENS}/ml-1m.zip",
            bytes=5_917_549,
            sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
            members=("ml-1m/ratings.dat", "ml-1m/movies.dat", "ml-1m/README"),
            largest_member_bytes=30_000_000,
            licence=_LICENCE.format(url=f"{_GROUPLENS}/ml-1m-README.txt"),
        ),
        Archive(
            name="movielens-100k",
            url=f"{_GROUPLENS}/ml-100k.zip",
            bytes=4_924_029,
            sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            members=("ml-100k/u.data", "ml-100k/u.item", "ml-100k/README"),
            largest_member_bytes=3_000_000,
            licence=_LICENCE.format(url=f"{_GROUPLENS}/ml-100k-README.txt"),
        ),
    )
}
"""The available data sets. The users' ages, postcodes and occupations are not extracted."""


def fetch(archive: Archive, out: Path) -> None:
    """Download, check and unpack `archive` into the directory `out`, which must be new or empty.

    Raises DataError if the download fails or does not match the pinned file, and HanjiError if `out` is not
    empty or cannot be written; `out` is unchanged in both cases.
    """
    with atomic_directory(out) as staging:
        download = staging / "download.zip"
        _download(archive, download)
        _unpack(archive, download, staging)
        download.unlink()


def _download(archive: Archive, path: Path) -> None:
    try:
        digest, received = _receive(archive, path)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(
            f"{archive.url}: cannot be downloaded: {reason}; check the network and https_proxy, or download "
            "it elsewhere, unpack it and pass that directory as --data"
        ) from None
    if received != archive.bytes:
        more = "or more " if received > archive.bytes else ""
        raise DataError(
            f"{archive.url}: expected {archive.bytes:,} bytes, found {received:,} {more}bytes; "
            "the transfer was interrupted or the file has changed; try again"
        )
    if digest != archive.sha256:
        raise DataError(
            f"{archive.url}: expected the sha256 {archive.sha256}, found {digest}; the file has changed or "
            "was modified in transit, and was discarded; try again from another network"
        )


def _receive(archive: Archive, path: Path) -> tuple[str, int]:
    """Write the response to `path` and return its SHA-256 and length; stops if it is longer than expected."""
    digest, received = hashlib.sha256(), 0
    request = urllib.request.Request(archive.url, headers={"User-Agent": "hanji"})  # noqa: S310 (a constant https URL)
    with (
        urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response,  # noqa: S310
        path.open("wb") as file,
        _progress(archive) as advance,
    ):
        while received <= archive.bytes and (block := response.read(_BLOCK_BYTES)):
            file.write(block)
            digest.update(block)
            received += len(block)
            advance(len(block))
    return digest.hexdigest(), received


@contextmanager
def _progress(archive: Archive) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with the bytes received: shows a bar on a terminal, else prints one line."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console.print(f"downloading {archive.url} ({archive.bytes:,} bytes)", soft_wrap=True)
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(archive.name, total=archive.bytes)
        yield lambda received: bar.update(task, advance=received)


def _unpack(archive: Archive, path: Path, directory: Path) -> None:
    """Extract only the listed members; output names never come from the zip file."""
    try:
        with zipfile.ZipFile(path) as opened:
            for member in archive.members:
                if opened.getinfo(member).file_size > archive.largest_member_bytes:
                    limit = f"{archive.largest_member_bytes:,} bytes"
                    raise DataError(f"{archive.url}: expected {member} to be at most {limit}, found more")
                with opened.open(member) as source, (directory / Path(member).name).open("wb") as file:
                    shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(
            f"{archive.url}: expected a zip file with {', '.join(archive.members)}: {error}"
        ) from None
