"""Commands whose stderr or stdout is closed, full or a broken pipe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """\
import sys
from pathlib import Path
from hanji.training.progress import logger, show_progress
from hanji.training.quiet import quiet
show_progress()
for number in range(3):
    logger.info("step")
with quiet():
    pass
with Path(sys.argv[1]).open("w") as file:
    assert file.fileno() > 2
    file.write("done")
sys.stderr.write("hanji: error: of the command")
"""
PRINTED = SCRIPT + "print('result')\nsys.stdout.flush()\n"
SHELL = '"$0" -c "$1" "$2"'


def run(redirection: str, script: str, out: Path) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-c", f"set -o pipefail; {SHELL} {redirection}", sys.executable, script, str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&- >&- 2>&-", "2>&1 | true"])
def test_a_lost_stderr_ends_nothing(tmp_path: Path, redirection: str) -> None:
    done = run(redirection, SCRIPT, tmp_path / "result")
    assert (tmp_path / "result").read_text() == "done"
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("redirection", "reason"), [(">/dev/full", "No space left"), (">&-", "Bad file")])
def test_a_result_that_cannot_be_printed_is_an_error_after_the_work(
    tmp_path: Path, redirection: str, reason: str
) -> None:
    done = run(redirection, PRINTED, tmp_path / "result")
    assert (tmp_path / "result").read_text() == "done"
    assert done.returncode != 0
    assert reason in done.stderr
    assert "'standard output'" in done.stderr
