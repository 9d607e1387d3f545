"""Instruction count of a warm call, measured with valgrind: nearly independent of the machine's load.

Valgrind emulates every instruction, so the count reflects neither caches nor clock rates, and engines choose
kernels for the instruction sets that valgrind supports: on x86 AVX2, even if the CPU has AVX-512.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any

from hanji.runtime.benchmarks.measuring import fresh_python, last_line
from hanji.runtime.errors import HanjiError

if TYPE_CHECKING:
    from hanji.runtime.benchmarks.session import Job
    from hanji.runtime.classifier import Classifier
    from hanji.runtime.recommender import Recommender

CALLS = 50
"""Calls that the instruction count is averaged over; few, since valgrind is about 50 times slower."""
_PROGRAM = """\
from hanji.runtime import {model}
from hanji.runtime.benchmarks.instructions import main
main({model})
"""
_COUNTED = re.compile(r"I\s+refs:\s+([\d,]+)")
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Deterministic hashing, and no BLAS or OpenMP threads: their spin-waiting would be counted."""
_OPTIONS = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


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
    program = _PROGRAM.format(model=model)
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
