"""Measures interleaved calls, which other load affects equally, and programs in fresh interpreters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hanji.runtime.errors import HanjiError

Call = Callable[[], object]


@dataclass(frozen=True)
class Latency:
    """Percentiles of the latency of one call."""

    p50_ms: float
    p90_ms: float
    p99_ms: float


def check_runs(runs: int) -> None:
    """Raise HanjiError for a number of runs below 1."""
    if runs < 1:
        raise HanjiError(f"runs: expected 1 or more, found {runs}")


def interleaved(rounds: Iterable[tuple[Call, ...]]) -> tuple[Latency, ...]:
    """The latency of each call of a round over all rounds; the calls of a round run in order."""
    return tuple(map(latency, interleaved_nanoseconds(rounds)))


def interleaved_nanoseconds(rounds: Iterable[tuple[Call, ...]]) -> tuple[tuple[int, ...], ...]:
    """The times of each call of a round over all rounds: a tuple for the first call, one for the second, …"""
    times = [tuple(map(nanoseconds, calls)) for calls in rounds]
    return tuple(zip(*times, strict=True))


def nanoseconds(call: Call) -> int:
    """The duration of one call."""
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start


def latency(times: Sequence[int]) -> Latency:
    """The percentiles of ``times``, which are in nanoseconds."""
    p50, p90, p99 = np.percentile(times, [50, 90, 99]) / 1e6
    return Latency(float(p50), float(p90), float(p99))


def fresh_python(
    program: str,
    argument: Mapping[str, Any],
    *,
    prefix: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ``program`` with this Python, and ``argument`` as JSON, to its end.

    ``prefix`` is a command such as valgrind; ``environment`` extends that of this process.
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
