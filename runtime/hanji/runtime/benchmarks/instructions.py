"""Instructions of a warm call, counted by valgrind: nearly the same number however busy the machine is.

Valgrind runs every instruction in emulation, so a count says nothing about caches and clocks, and engines
take the kernels that valgrind knows: on x86 those for AVX2, even where the processor has AVX-512.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import sys
from typing import TYPE_CHECKING, Any

from hanji.runtime.benchmarks.fresh_python import fresh_python, last_line
from hanji.runtime.errors import HanjiError

if TYPE_CHECKING:
    from hanji.runtime.benchmarks.session import Asked
    from hanji.runtime.classifier import Classifier
    from hanji.runtime.recommender import Recommender

CALLS = 50
"""That many instructions are divided by: valgrind takes some fifty times as long as the processor."""
_PROGRAM = """\
from hanji.runtime import {model}
from hanji.runtime.benchmarks.instructions import main
main({model})
"""
_COUNTED = re.compile(r"I\s+refs:\s+([\d,]+)")
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Nothing by chance, and no threads besides the engine's: they would be counted while they wait."""
_OPTIONS = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def instructions(model: str, asked: Asked) -> dict[str, object]:
    """Instructions of one whole call and of the engine's own: differences between processes over ``CALLS``.

    One process gets ready for each question and calls nothing, one makes the whole calls, one the engine's.
    ``model`` is "Recommender" or "Classifier". HanjiError where valgrind is missing or cannot count.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise HanjiError(
            "counting instructions needs valgrind, which is not on PATH; try: apt install valgrind, "
            "or leave out --instructions"
        )
    program = _PROGRAM.format(model=model)
    nothing, whole, alone = (_counted(valgrind, program, {**asked, "call": call}) for call in (None, 0, 1))
    name = "recommend" if model == "Recommender" else "classify"
    return {
        "counted_by": "valgrind",
        "calls": CALLS,
        name: round((whole - nothing) / CALLS),
        "engine_alone": round((alone - nothing) / CALLS),
    }


def main(model: type[Recommender] | type[Classifier]) -> None:
    """What a process under valgrind does."""
    from hanji.runtime.benchmarks.session import calls

    asked: Any = json.loads(sys.argv[1])
    try:
        with model.open(asked["bundle"], **asked["options"]) as opened:
            asked["runs"] = CALLS
            _, first, rounds, _ = calls(opened, asked)
            first()
            for warm in itertools.islice(rounds, asked["warm_up"]):
                for call in warm:
                    call()
            for timed in rounds:
                if asked["call"] is not None:
                    timed[asked["call"]]()
    except HanjiError as error:
        sys.exit(" ".join(str(error).split()))


def _counted(valgrind: str, program: str, asked: dict[str, Any]) -> int:
    done = fresh_python(program, asked, wrapped=(valgrind, *_OPTIONS), environment=_ENVIRONMENT)
    found = _COUNTED.search(done.stderr)
    if done.returncode != 0 or found is None:
        said = last_line(done.stderr) or "it said nothing"
        raise HanjiError(f"valgrind cannot count here: {said}")
    return int(found[1].replace(",", ""))


__all__ = ["instructions", "main"]
