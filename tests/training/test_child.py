"""Calls in a child process: results, errors, and crashes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from hanji.training.child import call_in_child
from hanji.training.errors import ConversionError, DataError


def write(target: str, text: str) -> None:
    Path(target).write_text(text, encoding="utf-8")


def refuse() -> None:
    raise DataError("images: expected some, found none; add images")


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def call(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **arguments: str) -> None:
    """Call a function of this file, which the child process imports from a copy."""
    (tmp_path / "functions_of_test.py").write_text(
        Path(__file__).read_text(encoding="utf-8"), encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    call_in_child(f"functions_of_test:{name}", arguments, what="the converter", hint="try float16")


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
