"""Runs a program of ours in a fresh Python, to measure what a process pays from its start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hanji.runtime.errors import HanjiError


def fresh_python(
    program: str,
    asked: Mapping[str, Any],
    *,
    wrapped: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ``program``, with ``asked`` as JSON for its argument, by this Python and to its end.

    ``wrapped`` is a command that stands before Python's, ``environment`` is added to this process's own.
    """
    if not sys.executable:
        raise HanjiError("this Python does not know its own program: no fresh process can be started")
    command = [*wrapped, sys.executable, "-c", program, json.dumps(asked)]
    environment = {**os.environ, **(environment or {})}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603


def answer(program: str, asked: Mapping[str, Any]) -> Any:
    """What ``program`` prints last, which is JSON; engines may print other things before.

    HanjiError with the last line of its stderr if it exits with 1, or with how it ended without an answer.
    """
    done = fresh_python(program, asked)
    if done.returncode == 0 and done.stdout.strip():
        return json.loads(done.stdout.splitlines()[-1])
    said = last_line(done.stderr)
    if done.returncode == 1 and said:
        raise HanjiError(said)
    why = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    raise HanjiError(f"a fresh process ended with {why} and no answer: {said or 'it said nothing'}")


def last_line(text: str) -> str:
    """The last line that is not blank, "" if there is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


__all__ = ["answer", "fresh_python", "last_line"]
