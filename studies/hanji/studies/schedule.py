"""Runs jobs in parallel processes; a failed job does not stop the others."""

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
# A job has one core; more threads would only compete for it.
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class PlannedJob:
    """A job with its name, its log file, and the job that must end before it starts."""

    name: str
    job: Job
    log: Path
    after: str = ""
    """Name of the job to wait for, whether it succeeds or fails; empty: none."""

    before_start: Callable[[], None] = lambda: None
    """Called right before the job starts."""


@dataclass
class _Running:
    planned: PlannedJob
    process: subprocess.Popen[bytes]
    log: IO[bytes]


def run_all(planned: Sequence[PlannedJob], *, jobs: int, what: str) -> dict[str, str]:
    """Run every job; returns the reasons of those that failed, by name.

    An interruption terminates the running jobs; their checkpoints are kept.
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
                    task.report(f"running: {', '.join(job.planned.name for job in running)}")
                time.sleep(POLL_S)
                for ended in [job for job in running if job.process.poll() is not None]:
                    running.remove(ended)
                    done.add(ended.planned.name)
                    _record(ended, failures, task)
        finally:
            _stop(running)
    return failures


def _start(waiting: list[PlannedJob], running: list[_Running], done: set[str], jobs: int) -> int:
    """Start waiting jobs that are ready, in order, up to ``jobs`` in parallel; returns the number started."""
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


def _started(planned: PlannedJob) -> _Running:
    planned.log.parent.mkdir(parents=True, exist_ok=True)
    request = planned.log.with_suffix(".request.json")
    write_text_atomic(request, json.dumps(planned.job.as_json()) + "\n")
    log = planned.log.open("wb")
    environment = {**ONE_THREAD, **os.environ}
    process = subprocess.Popen([*PROGRAM, str(request)], stdout=log, stderr=log, env=environment)  # noqa: S603
    return _Running(planned, process, log)


def _record(ended: _Running, failures: dict[str, str], task: ProgressTask) -> None:
    ended.log.close()
    task.advance()
    code = ended.process.returncode
    if code != 0:
        failures[ended.planned.name] = reason = _reason(code, ended.planned.log)
        task.report(f"{ended.planned.name} FAILED: {reason}")


def _reason(code: int, log: Path) -> str:
    """Why a process failed: the last line of its log, or its exit code or signal."""
    last = last_line(log.read_text(encoding="utf-8", errors="replace"))
    if code >= 0:
        return last or f"exit code {code} without any output"
    name = signal.Signals(-code).name
    memory = ", possibly out of memory" if -code == signal.SIGKILL else ""
    return f"terminated by signal {-code} ({name}){memory}"


def _stop(running: Sequence[_Running]) -> None:
    for job in running:
        job.process.terminate()
    for job in running:
        job.process.wait()
        job.log.close()


__all__ = ["PlannedJob", "run_all"]
