"""Unfinished files and directories, and what is left of killed processes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hanji.training import unfinished
from hanji.training.errors import HanjiError
from hanji.training.files import atomic_directory, atomic_file, write_text_atomic
from hanji.training.unfinished import (
    own_temporary_files,
    remove_leftovers,
    unfinished_directory,
    unfinished_file,
)

KILLED = """\
import os, signal, sys
from pathlib import Path
from hanji.training.files import atomic_directory, atomic_file
target = Path(sys.argv[1])
with atomic_directory(target, replace=True) as staging, atomic_file(target.with_name("a.json")) as file:
    (staging / "part").write_text("half")
    file.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_the_next_process_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with atomic_directory(target) as staging:
        (staging / "old").write_text("1")
    assert subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False).returncode == -9
    assert names(target) == ["old"]
    assert len(names(tmp_path)) == 3
    with atomic_directory(target, replace=True) as staging:
        (staging / "new").write_text("2")
    assert names(tmp_path) == ["out"]
    assert names(target) == ["new"]


def test_the_next_writer_of_a_file_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "out")], check=False).returncode == -9
    assert [name.partition(".hanji-")[0] for name in names(tmp_path)] == [".a.json", ".out"]
    write_text_atomic(tmp_path / "json", "[]")
    assert len(names(tmp_path)) == 3
    write_text_atomic(tmp_path / "a.json", "[]")
    assert [name.partition(".hanji-")[0] for name in names(tmp_path)] == [".out", "a.json", "json"]


def test_work_in_progress_and_files_of_others_stay(tmp_path: Path) -> None:
    for name in (".out.0123abcd", ".hanji-01234567", ".out.hanji-0123456", "x.hanji-01234567"):
        (tmp_path / name).mkdir()
    before = names(tmp_path)
    with unfinished_directory(tmp_path / "out") as one, unfinished_file(tmp_path / "a") as other:
        remove_leftovers(tmp_path)
        assert names(tmp_path) == sorted([*before, one.name, other.name])
    assert names(tmp_path) == before


def test_without_locks_nothing_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".out.hanji-01234567").mkdir()
    monkeypatch.setattr(unfinished, "locked", lambda _: None)
    with atomic_directory(tmp_path / "out") as staging:
        (staging / "a").write_text("1")
    assert names(tmp_path) == [".out.hanji-01234567", "out"]


def test_a_leftover_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").write_text("1")
    (tmp_path / "work").mkdir()
    link, pipe = tmp_path / "work" / ".a.hanji-01234567", tmp_path / "work" / ".b.hanji-01234567"
    link.symlink_to(tmp_path / "mine")
    os.mkfifo(pipe)
    remove_leftovers(tmp_path / "work")
    assert names(tmp_path / "mine") == ["a"]
    assert not pipe.exists()


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").write_text("")
    with atomic_directory(tmp_path / "new"):
        pass
    write_text_atomic(tmp_path / "text", "")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("directory", "new", "file", "text")]
    assert modes[0] == modes[1]
    assert modes[2] == modes[3]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(HanjiError, match="a: cannot be written: No space"), atomic_file(path) as staging:
        staging.write_text("half")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_an_error_of_another_file_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_directory(tmp_path / "out"):
        (tmp_path / "missing").read_text()
    assert names(tmp_path) == []


def test_temporary_files_are_in_one_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / ".hanji.hanji-01234567").mkdir()
    with own_temporary_files():
        (own,) = tmp_path.iterdir()
        assert stat.S_IMODE(own.stat().st_mode) == 0o700
        assert Path(tempfile.mkdtemp()).parent == own == Path(os.environ["TMPDIR"])
    assert names(tmp_path) == []
    assert os.environ["TMPDIR"] == tempfile.gettempdir() == str(tmp_path)


def test_no_directory_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    with pytest.raises(HanjiError, match=r"No usable .*'/tmp'.*; set TMPDIR"), own_temporary_files():
        raise AssertionError
