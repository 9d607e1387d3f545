"""Tests a bundle in another process, which one with right hashes and wrong contents may crash or occupy.

It is opened, warmed up and self-tested in a fresh Python process with limits, which takes 0.4 to 0.5 s on two
cores of a server. What its model does with other inputs is not limited.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import hanji.runtime
from hanji.runtime import errors
from hanji.runtime.bundle import open_bundle
from hanji.runtime.errors import BundleError, EngineError, HanjiError
from hanji.runtime.manifest import ClassifierManifest
from hanji.runtime.results import SelfTest

if TYPE_CHECKING:
    from hanji.runtime.bundle import Bundle
    from hanji.runtime.opening import OpenOptions

SECONDS = 60.0
"""Limit of the whole test."""
MEMORY_BYTES = 2**30
"""Limit of the process's own memory, in addition to ``_PER_BUNDLE`` times the bundle's size. At most three
quarters of the machine's. Linux enforces it, other systems do not."""
_PER_BUNDLE = 4
PROGRAM = """\
import importlib, json, sys
job = json.loads(sys.argv[2])
sys.path[:] = job.pop("path")
importlib.import_module(sys.argv[1]).main(**job)
"""
"""For ``python -c``: calls the function main of a module with another process's search path."""


class Tested(NamedTuple):
    """The result of the self-test, and the fallbacks of the placement."""

    self_test: SelfTest
    fallbacks: tuple[str, ...]


def tested(bundle: Bundle, options: OpenOptions) -> Tested:
    """Open the bundle with ``options`` in another process, warm it up and replay its self-test.

    Raises the errors of opening it, and EngineError if the process crashes or exceeds a limit.
    """
    shown = f"{bundle.root} on {options.get('engine', 'auto')}"
    job = _job(bundle, options)
    if not sys.executable:
        raise HanjiError("isolated: cannot start another process: sys.executable of this Python is not set")
    command = [sys.executable, "-I", "-c", PROGRAM, __name__, json.dumps(job)]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"{shown}: no answer within {SECONDS:g} s in a test; {_ADVICE}") from None
    except OSError as error:
        raise HanjiError(
            f"isolated: cannot start another process: {error}; open it in this one, with isolated=False or "
            "`hanji verify --in-process`, if you trust the bundle"
        ) from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        code = done.returncode
        status = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise EngineError(f"{shown}: the process of a test ended with {status}; {_ADVICE}") from None
    if "error" in answer:
        raise getattr(errors, answer["error"])(answer["message"])
    if answer["sha256"] != bundle.manifest_sha256:
        raise BundleError(f"{bundle.root}: the bundle was replaced during the test; open it again")
    return Tested(SelfTest(**answer["self_test"]), tuple(answer["fallbacks"]))


def tested_here(bundle: Bundle, options: OpenOptions) -> Tested:
    """The same in this process, without limits."""
    name = "Classifier" if isinstance(bundle.manifest, ClassifierManifest) else "Recommender"
    with getattr(hanji.runtime, name).open(bundle.root, **options) as opened:
        opened.warm_up()
        return Tested(opened.self_test(), opened.placement.fallbacks)


_ADVICE = "do not open this bundle; export it again, or ask where it comes from"


def _job(bundle: Bundle, options: OpenOptions) -> dict[str, Any]:
    delegate = options.get("delegate")
    return {
        "path": list(map(str, sys.path)),
        "bundle": str(bundle.root),
        "options": {
            **options,
            "isolated": False,
            "delegate": None if delegate is None else os.fspath(delegate),
            "delegate_options": dict(options.get("delegate_options") or {}),
            "providers": list(options.get("providers", ())),
        },
        "memory": MEMORY_BYTES + _PER_BUNDLE * sum(file.bytes for file in bundle.manifest.all_files),
        "seconds": SECONDS,
    }


def main(bundle: str, options: OpenOptions, memory: int, seconds: float) -> None:
    """In the other process: print the result, or the type and message of an error, as JSON."""
    stdout = os.dup(1)
    os.dup2(2, 1)  # of what engines print, nothing is an answer
    try:
        limit_this_process(memory, seconds)
        warnings.simplefilter("ignore")  # the caller has the fallbacks
        opened = open_bundle(bundle)
        result = tested_here(opened, options)
        answer = {**result._asdict(), "self_test": vars(result.self_test), "sha256": opened.manifest_sha256}
    except HanjiError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    except MemoryError:
        answer = {"error": "EngineError", "message": f"{bundle}: not enough memory in a test; {_ADVICE}"}
    os.write(stdout, json.dumps(answer).encode())


def limit_this_process(memory: int, seconds: float) -> None:
    """Limit this process's memory and processor time, and write no core file, where the system can."""
    with suppress(ImportError):  # Windows has no such limits
        import resource

        with suppress(ValueError, OSError):
            memory = min(memory, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4)
        # Processor time limits a process whose parent has ended, and no longer waits for it.
        processor_s = int(seconds * (os.cpu_count() or 1)) + 1
        for name, value in (("DATA", memory), ("CPU", processor_s), ("CORE", 0)):
            limit = getattr(resource, f"RLIMIT_{name}")
            with suppress(ValueError, OSError):
                resource.setrlimit(limit, (value, resource.getrlimit(limit)[1]))
