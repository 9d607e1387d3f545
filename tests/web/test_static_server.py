"""The server of `make web`: whatever is asked, it answers, serves only its folder, and lives."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..browsers import OLDEST_NODE, WEB, node_version

SCRIPT = WEB / "scripts" / "static_server.mjs"
PAGE = b"<p>hello"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    node = shutil.which("node")
    if node is None or node_version() < OLDEST_NODE:
        pytest.skip("Node.js was not found")
    folder = tmp_path_factory.mktemp("site")
    inside = folder / "dist"
    (inside / "sub").mkdir(parents=True)
    (inside / "index.html").write_bytes(PAGE)
    (inside / "a b é%.json").write_text("{}")
    (folder / "secret.txt").write_text("secret")
    (inside / "out.txt").symlink_to(folder / "secret.txt")
    (inside / "up").symlink_to(folder)
    (inside / "loop").symlink_to(inside / "loop")
    (inside / "in.html").symlink_to(inside / "index.html")
    with subprocess.Popen([node, SCRIPT, inside, "0"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split("http://localhost:")[1]
        yield int(address.split("/")[0])
        assert server.poll() is None, "the server has ended"
        server.terminate()


def raw(port: int, text: str | bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to a request that no client would send."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))
        response = http.client.HTTPResponse(connection, method=text.split(None, 1)[0])  # type: ignore[arg-type]
        response.begin()
        return (
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )


def get(
    port: int, path: str, host: str = "localhost", method: str = "GET", more: str = ""
) -> tuple[int, bytes]:
    end = "Connection: close\r\n\r\n"
    status, headers, body = raw(port, f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}{end}")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    return status, body


@pytest.mark.parametrize("path", ["/", "/index.html", "/in.html", "/?a=%", "/sub/../index.html"])
def test_files(port: int, path: str) -> None:
    assert get(port, path) == (200, PAGE)


def test_names_are_decoded(port: int) -> None:
    assert get(port, "/a%20b%20%C3%A9%25.json") == (200, b"{}")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/%", 400),
        ("/%00", 400),
        ("/index.html%00", 400),
        ("/%c3%28", 400),
        ("//", 400),
        ("//example.org/", 400),
        ("http://example.org/", 400),
        ("*", 400),
        ("/..%5c..%5csecret.txt", 400),
        ("/" + "a" * 5000, 400),
        ("/" + "a" * 256, 404),
        ("/" + "a/" * 900, 404),
        ("/index.html/", 404),
        ("/index.html/x", 404),
        ("/sub", 404),
        ("/sub/", 404),
        ("/none", 404),
        ("/../secret.txt", 404),
        ("/..%2fsecret.txt", 404),
        ("/sub/..%2f..%2fsecret.txt", 404),
        ("/%2e%2e/secret.txt", 404),
        ("/out.txt", 404),
        ("/up/secret.txt", 404),
        ("/loop", 404),
    ],
)
def test_other_paths(port: int, path: str, expected: int) -> None:
    status, body = get(port, path)
    assert status == expected
    assert b"secret" not in body
    assert get(port, "/") == (200, PAGE)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost:4173", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1:80", 200),
        ("[::1]:80", 200),
        ("example.org", 400),
        ("localhost.example.org", 400),
        ("x@localhost", 400),
        ("", 400),
    ],
)
def test_hosts(port: int, host: str, expected: int) -> None:
    assert get(port, "/", host)[0] == expected


def test_methods_and_ranges(port: int) -> None:
    assert get(port, "/", method="HEAD") == (200, b"")
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert get(port, "/", method=method)[0] == 405
    for ranges in ("bytes=0-1", "bytes=5-1", "bytes=-", "x" * 5000):
        assert get(port, "/", more=f"Range: {ranges}\r\n") == (200, PAGE)


def test_what_is_no_request(port: int) -> None:
    for text in (b"\x16\x03\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/9\r\n\r\n"):
        assert raw(port, text)[0] == 400
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")  # and goes away
    assert get(port, "/") == (200, PAGE)


def test_a_port_in_use_is_one_line(port: int, tmp_path: Path) -> None:
    command = ["node", SCRIPT, tmp_path, str(port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "make web PORT=" in done.stderr
