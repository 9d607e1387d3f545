"""One command at a time for each output directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hanji.training import output_lock
from hanji.training.errors import HanjiError
from hanji.training.output_lock import lock_beside, lock_inside

HOLD = """\
import sys, time
from pathlib import Path
from hanji.training.output_lock import lock_beside
with lock_beside(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_second_process_is_told_who_holds_the_directory_and_a_killed_one_is_no_obstacle(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", HOLD, str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(HanjiError, match=rf"out: another .*process {holder.pid} on .*--out"),
            lock_beside(out),
        ):
            raise AssertionError
        holder.send_signal(signal.SIGKILL)
    assert names(tmp_path) == [".out.lock"]
    with lock_beside(out):
        assert f'"pid": {os.getpid()}' in (tmp_path / ".out.lock").read_text()
    assert names(tmp_path) == []


@pytest.mark.parametrize("lock", [lock_beside, lock_inside])
def test_a_link_to_the_directory_is_the_same_directory(tmp_path: Path, lock: type[lock_inside]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with lock(tmp_path / "link"), pytest.raises(HanjiError, match="another command"), lock(tmp_path / "out"):
        raise AssertionError


def test_a_lock_inside_leaves_no_new_empty_directory(tmp_path: Path) -> None:
    with lock_inside(tmp_path / "deep" / "out"):
        assert names(tmp_path / "deep" / "out") == [".lock"]
    assert names(tmp_path / "deep") == []
    (tmp_path / "mine").mkdir()
    with lock_inside(tmp_path / "mine"):
        pass
    assert names(tmp_path / "mine") == []


def test_a_file_in_the_way_and_a_missing_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").write_text("mine")
    for lock in (lock_beside, lock_inside):
        with pytest.raises(HanjiError, match="found a file"), lock(tmp_path / "out"):
            raise AssertionError
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(HanjiError, match="the current directory no longer exists"), lock_inside(Path("out")):
        raise AssertionError


def test_a_file_system_without_locks_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(output_lock, "locked", lambda _: None)
    with lock_beside(tmp_path / "out"), lock_beside(tmp_path / "out"):
        pass
    assert (
        caplog.messages
        == [f"{tmp_path / 'out'}: this file system has no locks; run no other command with this --out"] * 2
    )


def test_the_root_is_no_output(tmp_path: Path) -> None:
    with (
        pytest.raises(HanjiError, match=r"^/: expected a directory in another one, found the root"),
        lock_beside(Path("/")),
    ):
        raise AssertionError
