"""Runs jobs in processes of their own, as many at once as there are cores; one that fails stops no other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hanji.runtime.benchmarks.fresh_python import last_line
from hanji.studies.job import Job
from hanji.training.files import write_text_atomic
from hanji.training.progress import ProgressTask, progress

PROGRAM = (sys.executable, "-m", "hanji.studies.run_job")
POLL_S = 0.1
# A job has one core; more threads than that would only stand in each other's way.
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Planned:
    """A job, what it is called, where its log goes, and what other job must have ended before."""

    name: str
    job: Job
    log: Path
    after: str = ""
    """Name of a job that is waited for, whether it ends well or not."""

    before_start: Callable[[], None] = lambda: None
    """Called when its turn comes."""


@dataclass
class _Running:
    planned: Planned
    process: subprocess.Popen[bytes]
    log: IO[bytes]


def run_all(planned: Sequence[Planned], *, jobs: int, what: str) -> dict[str, str]:
    """Run every job; by their names, why those that failed did.

    An interruption ends the jobs under way; what they had finished of their trainings stays.
    """
    waiting, running = list(planned), list[_Running]()
    failures: dict[str, str] = {}
    if not waiting:
        return failures
    done: set[str] = set()
    with progress(what) as task:
        task.expect(len(planned))
        try:
            while waiting or running:
                if _start(waiting, running, done, jobs):
                    task.report(f"under way: {', '.join(one.planned.name for one in running)}")
                time.sleep(POLL_S)
                for ended in [one for one in running if one.process.poll() is not None]:
                    running.remove(ended)
                    done.add(ended.planned.name)
                    _note(ended, failures, task)
        finally:
            _stop(running)
    return failures


def _start(waiting: list[Planned], running: list[_Running], done: set[str], jobs: int) -> int:
    """Begin with those whose turn it is, in their order, until there are ``jobs``; how many that were."""
    before = len(running)
    for planned in list(waiting):
        if len(running) >= jobs:
            break
        if planned.after and planned.after not in done:
            continue
        waiting.remove(planned)
        planned.before_start()
        running.append(_started(planned))
    return len(running) - before


def _started(planned: Planned) -> _Running:
    planned.log.parent.mkdir(parents=True, exist_ok=True)
    request = planned.log.with_suffix(".request.json")
    write_text_atomic(request, json.dumps(planned.job.as_json()) + "\n")
    log = planned.log.open("wb")
    environment = {**ONE_THREAD, **os.environ}
    process = subprocess.Popen([*PROGRAM, str(request)], stdout=log, stderr=log, env=environment)  # noqa: S603
    return _Running(planned, process, log)


def _note(ended: _Running, failures: dict[str, str], task: ProgressTask) -> None:
    ended.log.close()
    task.advance()
    code = ended.process.returncode
    if code != 0:
        failures[ended.planned.name] = reason = _reason(code, ended.planned.log)
        task.report(f"{ended.planned.name} FAILED: {reason}")


def _reason(code: int, log: Path) -> str:
    """What a person can make of the way a process ended."""
    said = last_line(log.read_text(encoding="utf-8", errors="replace"))
    if code >= 0:
        return said or f"ended with exit code {code} and said nothing"
    name = signal.Signals(-code).name
    memory = ": was there not enough memory?" if -code == signal.SIGKILL else ""
    return f"ended by signal {-code} ({name}){memory}"


def _stop(running: Sequence[_Running]) -> None:
    for one in running:
        one.process.terminate()
    for one in running:
        one.process.wait()
        one.log.close()


__all__ = ["Planned", "run_all"]
