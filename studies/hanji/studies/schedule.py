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

from hanji.runtime.benchmarks.measuring import last_line
from hanji.studies.board import Board, OwnBoard
from hanji.studies.job import END_WITH_STDIN, Job
from hanji.studies.variant import slug_of
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

    @property
    def key(self) -> str:
        """A file name for the job."""
        return slug_of(self.name)


@dataclass
class _Running:
    planned: PlannedJob
    process: subprocess.Popen[bytes]
    log: IO[bytes]


class _Current:
    """The jobs of one call of ``run_all``: waiting, running here, done here or elsewhere."""

    def __init__(self, planned: Sequence[PlannedJob], jobs: int, board: Board, task: ProgressTask) -> None:
        self.waiting, self.running = list(planned), list[_Running]()
        self.done, self.failures = set[str](), dict[str, str]()
        self._jobs, self._board, self._task = jobs, board, task
        self._elsewhere = ""

    def settle(self) -> None:
        """Set aside the waiting jobs that ended elsewhere."""
        for planned in list(self.waiting):
            reason = self._board.ended_elsewhere(planned)
            if reason is not None:
                self.waiting.remove(planned)
                self._end(planned, reason)

    def start(self) -> None:
        """Start waiting jobs that are ready, in order, up to the number of parallel jobs."""
        before = len(self.running)
        for planned in list(self.waiting):
            if len(self.running) >= self._jobs:
                break
            if (planned.after and planned.after not in self.done) or not self._board.take(planned):
                continue
            self.waiting.remove(planned)
            self.running.append(_started(planned))
        self._show(started=len(self.running) > before)

    def collect(self) -> None:
        """Set aside the jobs that ended here."""
        for ended in [job for job in self.running if job.process.poll() is not None]:
            self.running.remove(ended)
            ended.log.close()
            code = ended.process.returncode
            reason = _reason(code, ended.planned.log) if code else ""
            self._board.end(ended.planned, reason)
            self._end(ended.planned, reason)

    def stop(self) -> None:
        """Terminate the running jobs."""
        for job in self.running:
            job.process.terminate()
        for job in self.running:
            job.process.wait()
            job.log.close()
            self._board.give_back(job.planned)

    def _end(self, planned: PlannedJob, reason: str) -> None:
        self.done.add(planned.name)
        self._task.advance()
        if reason:
            self.failures[planned.name] = reason
            self._task.report(f"{planned.name} FAILED: {reason}")

    def _show(self, *, started: bool) -> None:
        elsewhere = self._board.elsewhere()
        if started or (elsewhere and elsewhere != self._elsewhere):
            here = f"running: {', '.join(job.planned.name for job in self.running)}" if self.running else ""
            self._task.report("; ".join(part for part in (here, elsewhere) if part))
        self._elsewhere = elsewhere


def run_all(
    planned: Sequence[PlannedJob], *, jobs: int, what: str, board: Board | None = None
) -> dict[str, str]:
    """Run every job; returns the reasons of those that failed, by name.

    With the ``board`` of a shared study, jobs that other machines claim are waited for. An interruption
    terminates the running jobs; their checkpoints are kept.
    """
    if not planned:
        return {}
    with progress(what) as task:
        task.expect(len(planned))
        current = _Current(planned, jobs, board or OwnBoard(), task)
        try:
            while current.waiting or current.running:
                current.settle()
                current.start()
                time.sleep(POLL_S)
                current.collect()
        finally:
            current.stop()
    return current.failures


def _started(planned: PlannedJob) -> _Running:
    """Start the process of a job; its stdin is a pipe that closes when this process ends, however it ends."""
    planned.before_start()
    planned.log.parent.mkdir(parents=True, exist_ok=True)
    request = planned.log.with_suffix(".request.json")
    write_text_atomic(request, json.dumps(planned.job.as_json()) + "\n")
    log = planned.log.open("wb")
    environment = {**ONE_THREAD, **os.environ}
    process = subprocess.Popen(  # noqa: S603
        [*PROGRAM, str(request), END_WITH_STDIN],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        env=environment,
    )
    return _Running(planned, process, log)


def _reason(code: int, log: Path) -> str:
    """Why a process failed: the last line of its log, or its exit code or signal."""
    last = last_line(log.read_text(encoding="utf-8", errors="replace"))
    if code >= 0:
        return last or f"exit code {code} without any output"
    name = signal.Signals(-code).name
    memory = ", possibly out of memory" if -code == signal.SIGKILL else ""
    return f"terminated by signal {-code} ({name}){memory}"


__all__ = ["PlannedJob", "run_all"]
