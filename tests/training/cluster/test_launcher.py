"""Watching workers: restarts, errors, and the end of all with the launcher. The workers are small scripts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hanji.training.cluster import launcher
from hanji.training.errors import HanjiError

SCRIPT = """
import json, os, pathlib, signal, sys, time
index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
folder = pathlib.Path(sys.argv[1])
attempt = len(list(folder.glob(f"{index}-*")))
(folder / f"{index}-{attempt}").write_text(str(os.getpid()))
"""


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a body of Python as two workers; ``index`` and ``attempt`` count from 0."""

    def run(body: str) -> int:
        monkeypatch.setattr(launcher, "_PROGRAM", (sys.executable, "-c", SCRIPT + body))
        return launcher.run_workers([str(tmp_path)], 2)

    return run


def attempts(folder: Path) -> int:
    return len(list(folder.glob("0-*")))


def test_workers_have_an_address_and_a_share_of_the_threads(workers, tmp_path: Path) -> None:
    body = """
cluster = json.loads(os.environ["TF_CONFIG"])["cluster"]["worker"]
assert len(set(cluster)) == 2 and all(one.startswith("127.0.0.1:") for one in cluster)
assert int(os.environ["TF_NUM_INTRAOP_THREADS"]) >= 1
"""
    assert workers(body) == 0
    assert attempts(tmp_path) == 1


def test_a_killed_worker_restarts_all(workers, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    body = "if attempt == 0:\n    if index == 1: os.kill(os.getpid(), signal.SIGKILL)\n    time.sleep(60)"
    start = time.monotonic()
    assert workers(body) == 0
    assert time.monotonic() - start < 20
    assert attempts(tmp_path) == 2
    assert (
        "worker 1 was ended by signal 9; starting all 2 workers again from the last checkpoint" in caplog.text
    )


def test_restarts_end(workers, tmp_path: Path) -> None:
    with pytest.raises(HanjiError, match=r"worker 0 was ended by signal 9, after 3 restarts; .*to resume"):
        workers("os.kill(os.getpid(), signal.SIGKILL) if index == 0 else sys.exit(75)")
    assert attempts(tmp_path) == 4


def test_an_error_of_the_chief_is_not_tried_again(workers, tmp_path: Path) -> None:
    assert workers("sys.exit(2 if index == 0 else 75)") == 2
    assert attempts(tmp_path) == 1


def test_an_error_of_another_worker_is_shown(workers, tmp_path: Path) -> None:
    with pytest.raises(HanjiError, match=r"^worker 1: no such file$"):
        workers("index and sys.exit('hanji: error: no such file')\nsys.exit(75)")
    assert attempts(tmp_path) == 1


def test_workers_end_with_their_launcher(tmp_path: Path) -> None:
    body = (
        "from hanji.training.cluster.launcher import end_with_launcher\nend_with_launcher()\ntime.sleep(60)"
    )
    code = f"""
import sys
from hanji.training.cluster import launcher
launcher._PROGRAM = (sys.executable, "-c", {SCRIPT + body!r})
launcher.run_workers([{str(tmp_path)!r}], 2)
"""
    parent = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 30
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    pids = [int(path.read_text()) for path in tmp_path.iterdir()]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    while any(map(_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(pids) == 2 and not any(map(_alive, pids))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
