"""Atomic writing of directories and files."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from hanji.training import exchange
from hanji.training.errors import HanjiError
from hanji.training.files import atomic_directory, write_text_atomic


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_directory_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    with atomic_directory(target) as staging:
        (staging / "a").write_text("1")
        assert staging.parent == target.parent
        assert not target.exists()
    assert names(target) == ["a"]
    assert names(target.parent) == ["out"]


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_nothing_remains_after_an_exception(tmp_path: Path, kind: type[BaseException]) -> None:
    with pytest.raises(kind), atomic_directory(tmp_path / "out") as staging:
        (staging / "a").write_text("1")
        raise kind
    assert names(tmp_path) == []


def test_existing_directory_is_kept_unless_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").write_text("1")
    with pytest.raises(HanjiError, match="not empty"), atomic_directory(target):
        raise AssertionError
    with pytest.raises(RuntimeError), atomic_directory(target, replace=True):
        raise RuntimeError
    assert names(target) == ["old"]
    with atomic_directory(target, replace=True) as staging:
        (staging / "new").write_text("2")
    assert names(target) == ["new"]
    assert names(tmp_path) == ["out"]


def test_directories_are_exchanged_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out"
    target.mkdir()
    monkeypatch.setattr(Path, "rename", lambda *_: pytest.fail("there was a moment without a directory"))
    with atomic_directory(target, replace=True) as staging:
        (staging / "new").write_text("2")
    assert names(target) == ["new"]
    assert names(tmp_path) == ["out"]


def test_without_an_exchange_the_previous_directory_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_exchanged", lambda *_: False)
    target = tmp_path / "out"
    for name in ("old", "new"):
        with atomic_directory(target, replace=True) as staging:
            (staging / name).write_text(name)
        assert names(target) == [name]
    target.rename(tmp_path / ".out.previous")  # as a process that is killed between the two steps
    with pytest.raises(RuntimeError), atomic_directory(target, replace=True):
        raise RuntimeError
    assert names(target) == ["new"]
    assert names(tmp_path) == ["out"]


def test_old_directory_is_restored_if_the_rename_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").write_text("1")
    rename = Path.rename

    def refuse(path: Path, new: Path) -> Path:
        if new == target and (path / "new").exists():
            raise OSError(errno.EIO, "Input/output error")
        return rename(path, new)

    monkeypatch.setattr(exchange, "_exchanged", lambda *_: False)
    monkeypatch.setattr(Path, "rename", refuse)
    with (
        pytest.raises(HanjiError, match="Input/output error"),
        atomic_directory(target, replace=True) as staging,
    ):
        (staging / "new").write_text("2")
    assert names(target) == ["old"]
    assert names(tmp_path) == ["out"]


def test_empty_directory_can_be_filled(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    with atomic_directory(target) as staging:
        (staging / "a").write_text("1")
    assert names(target) == ["a"]


def test_symbolic_link_is_kept(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    with atomic_directory(link, replace=True) as staging:
        (staging / "a").write_text("1")
    assert link.is_symlink()
    assert names(tmp_path / "real") == ["a"]


def test_existing_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(HanjiError, match="found a file"), atomic_directory(tmp_path / "out", replace=True):
        raise AssertionError
    with pytest.raises(HanjiError, match="cannot be written"), atomic_directory(tmp_path / "out" / "deeper"):
        raise AssertionError
    assert (tmp_path / "out").read_text() == "mine"


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(Path, "write_bytes", refuse)
    with (
        pytest.raises(HanjiError, match=r"out: cannot be written: Permission denied"),
        atomic_directory(tmp_path / "out"),
    ):
        raise AssertionError
    with pytest.raises(HanjiError, match=r"a.json: cannot be written: Permission denied"):
        write_text_atomic(tmp_path / "a.json", "x")


def test_text(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_text_atomic(path, "é\n")
    write_text_atomic(path, "한지\n")
    assert path.read_bytes() == "한지\n".encode()
    assert names(tmp_path) == ["a.json"]


def test_full_disk_keeps_the_old_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    write = Path.write_bytes

    def fill(target: Path, data: bytes) -> int:
        write(target, data[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(HanjiError, match="No space left"):
        write_text_atomic(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.json"]
