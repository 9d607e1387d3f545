"""Calls in a child process: results, errors, and crashes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hanji.training.child import SECONDS, call_in_child
from hanji.training.errors import ConversionError, DataError


def write(target: str, text: str) -> None:
    Path(target).write_text(text, encoding="utf-8")


def refuse() -> None:
    raise DataError("images: expected some, found none; add images")


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def sleep() -> None:
    time.sleep(60)


def describe(target: str, port: int) -> None:
    """What this process can see of the machine around it."""
    entries = [str(path) for path in Path().iterdir()]
    found = {"directory": entries, "variables": sorted(os.environ), "connected": True}
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        found["connected"] = False
    Path(target).write_text(json.dumps(found), encoding="utf-8")


def write_a_large_file() -> None:
    import resource

    with Path("large").open("wb") as file:
        file.truncate(resource.getrlimit(resource.RLIMIT_FSIZE)[0] + 1)


def call(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float = SECONDS,
    **arguments: str | int,
) -> None:
    """Call a function of this file, which the child process imports from a copy."""
    (tmp_path / "functions_of_test.py").write_text(
        Path(__file__).read_text(encoding="utf-8"), encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    call_in_child(
        f"functions_of_test:{name}", arguments, what="the converter", hint="try float16", seconds=seconds
    )


def test_a_function_leaves_its_result_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "result.txt"
    call("write", tmp_path, monkeypatch, target=str(target), text="done")
    assert target.read_text(encoding="utf-8") == "done"


def test_an_error_keeps_its_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConversionError, match=r"^images: expected some, found none; add images$"):
        call("refuse", tmp_path, monkeypatch)


def test_a_crash_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ConversionError, match=r"^the converter died of signal 11 \(segmentation fault\); try float16$"
    ):
        call("crash", tmp_path, monkeypatch)


def test_a_call_that_does_not_end_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConversionError, match=r"^the converter did not end within 1 s; try float16$"):
        call("sleep", tmp_path, monkeypatch, seconds=1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends it")
def test_a_call_ends_with_the_process_that_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / "functions_of_test.py").write_text(PATIENT, encoding="utf-8")
    path = os.pathsep.join((str(tmp_path), *sys.path))
    target = tmp_path / "pid"
    command = [sys.executable, "-c", CALL, str(target)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}) as parent:
        child = awaited(lambda: target.read_text(encoding="utf-8"))
        parent.kill()
    assert awaited(lambda: "" if is_running(child) else "ended")


CALL = """
import sys
from hanji.training.child import call_in_child
call_in_child("functions_of_test:write_pid", {"target": sys.argv[1]}, what="", hint="")
"""
PATIENT = """
import os, time
from pathlib import Path

def write_pid(target):
    Path(target).write_text(str(os.getpid()))
    time.sleep(60)
"""


def is_running(pid: str) -> bool:
    """Whether there is such a process; one that nobody has waited for has no command line."""
    try:
        return bool(Path("/proc", pid, "cmdline").read_bytes())
    except FileNotFoundError:
        return False


def awaited(find: Callable[[], str]) -> str:
    """What ``find`` returns as soon as it is not empty."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            if found := find():
                return found
        time.sleep(0.1)
    return pytest.fail("20 s were not enough")


def test_a_call_has_its_own_directory_few_variables_and_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a key")
    target = tmp_path / "found.json"
    with socket.create_server(("127.0.0.1", 0)) as server:
        call("describe", tmp_path, monkeypatch, target=str(target), port=server.getsockname()[1])
    found = json.loads(target.read_text(encoding="utf-8"))
    assert found["directory"] == []
    assert "PATH" in found["variables"] and "AWS_SECRET_ACCESS_KEY" not in found["variables"]
    if can_leave_the_network():
        assert not found["connected"]


def can_leave_the_network() -> bool:
    """Whether this system lets an ordinary process create a network namespace, as util-linux does it."""
    command = shutil.which("unshare")
    if command is None:
        return False
    return subprocess.run([command, "--net", "--map-root-user", "true"], check=False).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_the_size_of_a_file_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConversionError, match=r"ended with exit code 1: OSError: .*File too large"):
        call("write_a_large_file", tmp_path, monkeypatch)
