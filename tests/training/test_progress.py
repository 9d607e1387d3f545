"""Progress and messages: silent in Python, shown once by the commands."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import logging
from hanji.training import show_progress
from hanji.training.progress import logger, progress
{before}
logging.basicConfig(level=logging.INFO)  # as a converter does
logger.info("a message")
with progress("Work") as task:
    task.expect(1)
    task.advance()
    task.report("loss 1.0")
logger.warning("a warning")
"""


def stderr_of(before: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(before=before)], check=True, capture_output=True, text=True
    )
    return done.stderr.splitlines()


def test_commands_show_each_line_once() -> None:
    message, step, warning = stderr_of("show_progress(); show_progress()")
    assert (message, warning) == ("a message", "a warning")
    assert step.startswith("Work: 1/1 steps")


def test_python_shows_what_the_application_configures() -> None:
    assert stderr_of("logger.setLevel(logging.ERROR)") == []
    assert "INFO:hanji:a message" in stderr_of("")


def test_records_are_captured_once(caplog: pytest.LogCaptureFixture) -> None:
    from hanji.training.progress import logger, show_progress

    show_progress()
    logger.info("a message")
    assert [record.message for record in caplog.records] == ["a message"]


def test_a_part_of_a_task_shares_its_display(monkeypatch: pytest.MonkeyPatch) -> None:
    from hanji.training import progress as module

    monkeypatch.setattr(module, "_is_shown", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with module.progress("Whole") as whole:
        for name in ("first part", "second part"):
            with module.progress(name) as part:
                part.expect(1)
                part.advance()
                assert part.bar is whole.bar
            assert [task.description for task in whole.bar.tasks] == ["Whole"]
    assert module._display is None
