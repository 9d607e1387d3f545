"""Fetching: only the complete pinned file is accepted, and nothing remains on failure."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hanji.training.errors import DataError, HanjiError
from hanji.training.recommenders.data.fetch import ARCHIVES, Archive, fetch


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, contents in files.items():
            opened.writestr(name, contents)
    return stream.getvalue()


CONTENTS = zipped(
    {
        "toy/ratings.dat": b"1::2::3::4\n",
        "toy/README": b"terms",
        "toy/users.dat": b"not wanted",
        "../../escape": b"not wanted",
    }
)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = {
            "/good": CONTENTS,
            "/other": CONTENTS[:-1] + b"x",
            "/short": CONTENTS,
            "/long": CONTENTS + b"more",
        }
        if self.path not in body:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body[self.path])))
        self.end_headers()
        self.wfile.write(body[self.path][: 50 if self.path == "/short" else None])

    def log_message(self, *_: object) -> None:
        """Suppress the request log."""


@pytest.fixture
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def archive(server: str) -> Archive:
    return Archive(
        name="toy",
        url=f"{server}/good",
        bytes=len(CONTENTS),
        sha256=hashlib.sha256(CONTENTS).hexdigest(),
        members=("toy/ratings.dat", "toy/README"),
        largest_member_bytes=1000,
        licence="be kind",
    )


def error_of(archive: Archive, out: Path) -> str:
    with pytest.raises(DataError) as caught:
        fetch(archive, out)
    assert list(out.parent.iterdir()) == []
    return str(caught.value)


def test_successful_fetch(archive: Archive, tmp_path: Path) -> None:
    out = tmp_path / "out"
    fetch(archive, out)
    assert sorted(path.name for path in out.iterdir()) == ["README", "ratings.dat"]
    assert (out / "ratings.dat").read_bytes() == b"1::2::3::4\n"
    assert list(tmp_path.iterdir()) == [out]


def test_file_url(archive: Archive, tmp_path: Path) -> None:
    source = tmp_path / "toy.zip"
    source.write_bytes(CONTENTS)
    fetch(replace(archive, url=source.as_uri()), tmp_path / "out")
    assert (tmp_path / "out" / "README").read_bytes() == b"terms"


def test_wrong_hash(archive: Archive, tmp_path: Path) -> None:
    message = error_of(replace(archive, url=archive.url.replace("good", "other")), tmp_path / "out")
    assert f"expected the sha256 {archive.sha256}" in message


def test_truncated(archive: Archive, tmp_path: Path) -> None:
    message = error_of(replace(archive, url=archive.url.replace("good", "short")), tmp_path / "out")
    assert "found 50 bytes" in message and "try again" in message


def test_too_long(archive: Archive, tmp_path: Path) -> None:
    assert "or more bytes" in error_of(
        replace(archive, url=archive.url.replace("good", "long")), tmp_path / "out"
    )


def test_not_found(archive: Archive, tmp_path: Path) -> None:
    assert "Not Found" in error_of(replace(archive, url=archive.url + "/nowhere"), tmp_path / "out")


def test_no_network(archive: Archive, tmp_path: Path) -> None:
    message = error_of(replace(archive, url="http://127.0.0.1:9/x"), tmp_path / "out")
    assert "cannot be downloaded" in message and "--data" in message


def test_member_too_large(archive: Archive, tmp_path: Path) -> None:
    assert "at most 5 bytes" in error_of(replace(archive, largest_member_bytes=5), tmp_path / "out")


def test_member_missing(archive: Archive, tmp_path: Path) -> None:
    assert "toy/movies.dat" in error_of(replace(archive, members=("toy/movies.dat",)), tmp_path / "out")


def test_directory_that_is_not_empty(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(HanjiError, match="not empty"):
        fetch(archive, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_pinned_archives() -> None:
    for name, archive in ARCHIVES.items():
        assert archive.name == name
        assert archive.url.startswith("https://files.grouplens.org/datasets/movielens/ml-")
        assert len(bytes.fromhex(archive.sha256)) == 32
        assert archive.url.replace(".zip", "-README.txt") in archive.licence
