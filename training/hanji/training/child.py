"""Runs native code that may crash or be misled by a file, such as a converter, in a process of its own.

The process has limits of time, memory and the size of files, an empty working directory, only those
environment variables that its libraries need, and, where Linux lets an ordinary user create one, a network
namespace without any interface.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hanji.runtime.isolation import PROGRAM, limit_this_process
from hanji.training.errors import ConversionError, HanjiError
from hanji.training.memory import available_memory

SECONDS = 3600.0
"""Limit of time, far beyond the slowest conversions known, which take minutes."""
FILE_BYTES = 2**33
"""Limit of each file that it writes. Protobuf and FlatBuffers end at 2 GiB."""
_LEAST_MEMORY = 2**32  # TensorFlow maps much more than it uses
_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH")
_PREFIXES = ("LC_", "TF_", "OMP_", "KMP_", "MKL_", "OPENBLAS_", "XLA_", "CUDA_", "HANJI_", "PYTHON")
_SET_PARENT_DEATH_SIGNAL = 1  # of linux/prctl.h
_NEW_USER_NAMESPACE, _NEW_NETWORK_NAMESPACE = 0x10000000, 0x40000000  # of linux/sched.h


def call_in_child(
    function: str,
    arguments: Mapping[str, Any],
    *,
    what: str,
    hint: str,
    seconds: float = SECONDS,
    memory: int | None = None,
) -> None:
    """Call ``function``, given as "module:name", in a new process; ``arguments`` must be ready for JSON.

    Its results must be files, whose paths are absolute. Raises ConversionError with the message of a
    HanjiError that the function raises, and for a process that ends in any other way, does not end within
    ``seconds`` or needs more than ``memory`` bytes (what is free): ``what`` is the subject of that message
    ("the converter"), ``hint`` what to try.
    """
    with tempfile.TemporaryDirectory(prefix="hanji-child-") as directory:
        request, response = Path(directory, "request.json"), Path(directory, "response.json")
        request.write_text(json.dumps(arguments), encoding="utf-8")
        working = Path(directory, "work")
        working.mkdir()
        job = {
            "path": [str(Path(entry).absolute()) for entry in sys.path],
            "function": function,
            "request": str(request),
            "response": str(response),
            "memory": max(available_memory(), _LEAST_MEMORY) if memory is None else memory,
            "seconds": seconds,
            "parent": os.getpid(),
        }
        try:
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-c", PROGRAM, __name__, json.dumps(job)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                env=_environment(),
                cwd=working,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            raise ConversionError(f"{what} did not end within {seconds:g} s; {hint}") from None
        if response.exists():
            raise ConversionError(json.loads(response.read_text(encoding="utf-8")))
    if done.returncode:
        raise ConversionError(f"{what} {_ending(done.returncode, done.stderr)}; {hint}")


@contextmanager
def naming(path: str, shown: str) -> Iterator[None]:
    """Inside the block, in the child, messages name the absolute ``path`` as the user did.

    HanjiErrors become ConversionErrors.
    """
    try:
        yield
    except HanjiError as error:
        raise ConversionError(str(error).replace(path, shown)) from error


def _environment() -> dict[str, str]:
    """The variables of this process that Python and TensorFlow read; no keys of services, for instance."""
    passed = {
        name: value for name, value in os.environ.items() if name in _VARIABLES or name.startswith(_PREFIXES)
    }
    return {"TF_CPP_MIN_LOG_LEVEL": "3", **passed}


def _ending(code: int, stderr: str) -> str:
    if code < 0:
        return f"died of signal {-code} ({signal.strsignal(-code) or 'unknown'})".lower()
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return f"ended with exit code {code}: {lines[-1] if lines else 'nothing on stderr'}"


def main(function: str, request: str, response: str, memory: int, seconds: float, parent: int) -> None:
    """In the child: call the function with the arguments in ``request``.

    Exits with 1 if it raises a HanjiError, whose message is written to ``response``.
    """
    _end_with(parent)
    _leave_the_network()
    limit_this_process(memory, seconds)
    _limit_files()
    module, _, name = function.partition(":")
    try:
        getattr(importlib.import_module(module), name)(
            **json.loads(Path(request).read_text(encoding="utf-8"))
        )
    except HanjiError as error:
        Path(response).write_text(json.dumps(str(error)), encoding="utf-8")
        sys.exit(1)


def _end_with(parent: int) -> None:
    """Have Linux kill this process when its parent has ended, even by a signal."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)


def _leave_the_network() -> None:
    """Enter a network namespace without interfaces, if the system lets this process create one."""
    if sys.platform != "linux":
        return
    unshare = getattr(ctypes.CDLL(None), "unshare", None)
    if unshare is not None and unshare(_NEW_NETWORK_NAMESPACE):  # not privileged
        unshare(_NEW_USER_NAMESPACE | _NEW_NETWORK_NAMESPACE)


def _limit_files() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))


__all__ = ["call_in_child", "naming"]
