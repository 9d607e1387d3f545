"""Workers on this machine: processes that train one model, started, watched and started again.

TensorFlow ends the training of all workers when one of them is gone. A worker that was killed, for instance
for memory, therefore restarts all of them from the last checkpoint.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from hanji.training.cluster.environment import VARIABLE, tf_config
from hanji.training.cores import usable_cores
from hanji.training.errors import HanjiError, WorkerLostError
from hanji.training.progress import logger

RESTARTS = 3
_PROGRAM = (sys.executable, "-m", "hanji.runtime.cli")
_LAUNCHER = "HANJI_LAUNCHER"  # in a worker's environment: the process id of its launcher
_USER_ERRORS = (1, 2)
_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_FAIL = 2.0  # the others notice that a worker is gone, and say so if they were the cause
_SECONDS_TO_STOP = 3.0
_HOST = "127.0.0.1"


def run_workers(command: Sequence[str], count: int, *, results: bool = True) -> int:
    """Run ``hanji COMMAND`` as ``count`` workers on this machine, and return the chief's exit code.

    The chief's stderr is that of this process, and with ``results`` its stdout as well. If a worker is
    killed, all are started again, at most RESTARTS times. HanjiError if that does not help, or if a worker
    other than the chief failed.
    """
    for restart in range(RESTARTS + 1):
        with _started(command, count, results=results) as workers:
            try:
                codes = workers.wait()
            except KeyboardInterrupt:
                if workers.stop()[0] == 1:
                    return 1  # the chief has said how to resume
                raise
            failed = _first_user_error(codes)
            if codes[0] == 0 or failed == 0:  # a chief that fails has written its message
                return codes[0] or 0
            if failed is not None:
                raise HanjiError(f"worker {failed}: {workers.last_message(failed)}")
        what = _what_happened(codes)
        if restart < RESTARTS:
            logger.warning(
                f"{what}; starting all {count} workers again from the last checkpoint "
                f"(restart {restart + 1} of {RESTARTS})"
            )
    raise HanjiError(
        f"{what}, after {RESTARTS} restarts; if memory ran out, use fewer workers or a smaller batch_size, "
        "and run the same command again to resume after the last completed epoch"
    )


def end_with_launcher() -> None:
    """Interrupt this process when the launcher that started it is gone; does nothing in other processes."""
    launcher = os.environ.get(_LAUNCHER)
    if launcher is None:
        return

    def watch() -> None:
        while os.getppid() == int(launcher):
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


@dataclass
class _Workers:
    """Running workers, the chief first, and where the others' messages go."""

    processes: list[subprocess.Popen[bytes]]
    messages: list[IO[bytes]]

    def wait(self) -> list[int | None]:
        """The exit codes when the chief has ended or a worker has failed; None for those still running."""
        while True:
            codes = self._codes()
            if codes[0] is not None or any(codes):
                break
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        deadline = time.monotonic() + _SECONDS_TO_FAIL
        while None in (codes := self._codes()) and time.monotonic() < deadline:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return codes

    def last_message(self, index: int) -> str:
        """The last line that a worker other than the chief has written."""
        file = self.messages[index - 1]
        file.seek(0)
        lines = file.read().decode(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "it wrote no message")
        return last.removeprefix("hanji: error: ")

    def stop(self) -> list[int | None]:
        """End all, the chief first, which can report its end only while the others are there; their codes."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_SECONDS_TO_STOP if process is self.processes[0] else 0.0)
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_TO_STOP)
            process.kill()
            process.wait()
        return self._codes()

    def _codes(self) -> list[int | None]:
        return [process.poll() for process in self.processes]


@contextlib.contextmanager
def _started(command: Sequence[str], count: int, *, results: bool) -> Iterator[_Workers]:
    """Workers that are stopped at the end of the block."""
    addresses = free_addresses(count)
    with contextlib.ExitStack() as files:
        workers = _Workers([], [files.enter_context(tempfile.TemporaryFile()) for _ in range(1, count)])
        chief = (None if results else subprocess.DEVNULL, None)
        outputs = [chief, *((file, file) for file in workers.messages)]
        try:
            for index, (stdout, stderr) in enumerate(outputs):
                process = subprocess.Popen(  # noqa: S603 - hanji itself, with the arguments that it was given
                    [*_PROGRAM, *command],
                    env=os.environ | _environment(addresses, index),
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,  # Ctrl-C reaches this process, which stops them in order
                )
                workers.processes.append(process)
            yield workers
        finally:
            workers.stop()


def _environment(addresses: Sequence[str], index: int) -> dict[str, str]:
    # More threads than cores would wait for one another.
    threads = str(max(usable_cores() // len(addresses), 1))
    given = {name: os.environ.get(name, threads) for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")}
    return given | {VARIABLE: tf_config(addresses, index), _LAUNCHER: str(os.getpid())}


def free_addresses(count: int) -> list[str]:
    """Different addresses ("host:port") of the loopback interface at which nothing listens."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((_HOST, 0))) for _ in range(count)]
        return [f"{_HOST}:{one.getsockname()[1]}" for one in sockets]


def _first_user_error(codes: Sequence[int | None]) -> int | None:
    """The first worker that has reported an error of its own; None if there is none, or one was killed."""
    if any(code is not None and code < 0 for code in codes):
        return None
    return next((index for index, code in enumerate(codes) if code in _USER_ERRORS), None)


def _what_happened(codes: Sequence[int | None]) -> str:
    lost = WorkerLostError.exit_code  # a consequence, unless there is nothing else
    failed = [(index, code) for index, code in enumerate(codes) if code]
    causes = [one for one in failed if one[1] != lost] or failed
    return ", ".join(
        f"worker {index} was ended by signal {-code}"
        if code < 0
        else f"worker {index} lost the connection to another"
        if code == lost
        else f"worker {index} ended with exit code {code}"
        for index, code in causes
    )


__all__ = ["RESTARTS", "end_with_launcher", "free_addresses", "run_workers"]
