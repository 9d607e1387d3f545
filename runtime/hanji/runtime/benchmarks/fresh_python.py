"""Runs a Python program in a fresh interpreter process, to measure costs from process start."""

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
    argument: Mapping[str, Any],
    *,
    prefix: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ``program`` to completion with this Python interpreter, passing ``argument`` as JSON.

    ``prefix`` is a command to prepend, such as valgrind; ``environment`` extends this process's environment.
    """
    if not sys.executable:
        raise HanjiError("cannot start a fresh process: sys.executable of this Python is not set")
    command = [*prefix, sys.executable, "-c", program, json.dumps(argument)]
    environment = {**os.environ, **(environment or {})}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603


def run_json(program: str, argument: Mapping[str, Any]) -> Any:
    """Run ``program`` and parse the last line of its stdout as JSON; engines may print other lines before it.

    HanjiError with the last line of stderr if it exits with 1, or with its exit status if there is no output.
    """
    done = fresh_python(program, argument)
    if done.returncode == 0 and done.stdout.strip():
        return json.loads(done.stdout.splitlines()[-1])
    message = last_line(done.stderr)
    if done.returncode == 1 and message:
        raise HanjiError(message)
    status = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    raise HanjiError(f"a fresh process ended with {status} and no result: {message or 'nothing on stderr'}")


def last_line(text: str) -> str:
    """The last non-blank line, or "" if there is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
