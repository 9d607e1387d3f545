"""Ctrl-C and SIGTERM: none is lost, and the second one ends the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from hanji.training.commands.interruption import ANEW, resumable
from hanji.training.errors import ConversionError, HanjiError
from hanji.training.files import atomic_directory, write_text_atomic
from hanji.training.interrupts import check_interrupt, is_interrupted
from hanji.training.progress import ProgressTask

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def swallowed(number: signal.Signals) -> None:
    """Interrupt this process, and lose the exception as a destructor or a callback would."""
    with suppress(KeyboardInterrupt):
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_swallowed_interrupt_ends_the_next_step(number: signal.Signals) -> None:
    done = []
    task = ProgressTask("Training")
    with pytest.raises(HanjiError, match=r"^interrupted; run the same command again to resume"), resumable():
        swallowed(number)
        done.append("rest of the stage")
        task.advance()
        done.append("next step")
    assert done == ["rest of the stage"]
    assert not is_interrupted()
    check_interrupt()


def test_nothing_is_published_after_a_swallowed_interrupt(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(HanjiError, match=r"start anew; nothing was written$"), resumable(ANEW):
        with atomic_directory(tmp_path / "out"):
            swallowed(signal.SIGTERM)
        raise AssertionError
    with pytest.raises(HanjiError, match="interrupted"), resumable():
        swallowed(signal.SIGINT)
        write_text_atomic(tmp_path / "a.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


@pytest.mark.parametrize(
    "error", [SystemError("returned a result with an exception set"), ConversionError("x")]
)
def test_an_interrupt_that_became_another_error_is_an_interrupt(error: Exception) -> None:
    with pytest.raises(HanjiError, match=r"^interrupted; run"), resumable():
        swallowed(signal.SIGINT)
        raise error


def test_other_errors_and_handlers_stay(capsys: pytest.CaptureFixture[str]) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    hook = sys.unraisablehook
    with pytest.raises(ValueError, match="mine"), resumable(), resumable():
        raise ValueError("mine")
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert sys.unraisablehook is hook


def test_an_interrupt_in_a_destructor_prints_nothing_and_is_noticed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Interrupted:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(HanjiError, match="interrupted"), resumable():
        Interrupted()
        check_interrupt()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("number", SIGNALS)
def test_the_second_one_ends_the_process(number: signal.Signals) -> None:
    script = (
        "import os, time\n"
        "from contextlib import suppress\n"
        "from hanji.training.interrupts import noted_interrupts\n"
        "with noted_interrupts():\n"
        "    for _ in range(2):\n"
        f"        with suppress(KeyboardInterrupt): os.kill(os.getpid(), {int(number)})\n"
        "    print('still here')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-number, "", "")
