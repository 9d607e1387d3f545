"""Measures interleaved calls, which other load affects equally, and programs in fresh interpreters.

Also counts instructions with valgrind, nearly independent of the machine's load. It emulates each of them, so
the count reflects neither caches nor clock rates, and engines choose kernels for the instruction sets that
valgrind supports: on x86 AVX2, even if the CPU has AVX-512.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hanji.runtime.errors import HanjiError

if TYPE_CHECKING:
    from hanji.runtime.benchmarks.session import Job
    from hanji.runtime.classifier import Classifier
    from hanji.runtime.recommender import Recommender

Call = Callable[[], object]
CALLS = 50
"""Calls that the instruction count is averaged over; few, since valgrind is about 50 times slower."""
_COUNTING = """\
from hanji.runtime import {model}
from hanji.runtime.benchmarks.measuring import main
main({model})
"""
_COUNTED = re.compile(r"I\s+refs:\s+([\d,]+)")
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Deterministic hashing, and no BLAS or OpenMP threads: their spin-waiting would be counted."""
_OPTIONS = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


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


def instructions(model: str, job: Job) -> dict[str, object]:
    """Instructions per end-to-end call and per bare engine call.

    Three processes are compared: one only prepares the inputs, one also makes the end-to-end calls, one also
    makes the bare engine calls. The differences are divided by ``CALLS``. ``model`` is "Recommender" or
    "Classifier". HanjiError if valgrind is missing or fails.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise HanjiError(
            "counting instructions needs valgrind, which is not on PATH; try: apt install valgrind, "
            "or leave out --instructions"
        )
    program = _COUNTING.format(model=model)
    baseline, whole, alone = (_count(valgrind, program, {**job, "call": call}) for call in (None, 0, 1))
    name = "recommend" if model == "Recommender" else "classify"
    return {
        "counted_by": "valgrind",
        "calls": CALLS,
        name: round((whole - baseline) / CALLS),
        "engine_alone": round((alone - baseline) / CALLS),
    }


def main(model: type[Recommender] | type[Classifier]) -> None:
    """Entry point of a process that runs under valgrind."""
    from hanji.runtime.benchmarks.session import calls

    job: Any = json.loads(sys.argv[1])
    try:
        with model.open(job["bundle"], **job["options"]) as opened:
            job["runs"] = CALLS
            _, first, rounds, _ = calls(opened, job)
            first()
            for warm in itertools.islice(rounds, job["warm_up"]):
                for call in warm:
                    call()
            for counted in rounds:
                if job["call"] is not None:
                    counted[job["call"]]()
    except HanjiError as error:
        sys.exit(" ".join(str(error).split()))


def _count(valgrind: str, program: str, job: dict[str, Any]) -> int:
    done = fresh_python(program, job, prefix=(valgrind, *_OPTIONS), environment=_ENVIRONMENT)
    found = _COUNTED.search(done.stderr)
    if done.returncode != 0 or found is None:
        message = last_line(done.stderr) or "nothing on stderr"
        raise HanjiError(f"valgrind failed to count instructions: {message}")
    return int(found[1].replace(",", ""))
