"""`hanji compare --shared`: the jobs of a study are divided among all machines that share its directory."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hanji.studies.board import POLL_S, SharedBoard
from hanji.studies.claims import Claims, this_process
from hanji.studies.comparison import Comparison, StudyRun
from hanji.studies.sharing import together
from hanji.studies.study import Study
from hanji.training.files import write_text_atomic
from hanji.training.json_files import read_own_json
from hanji.training.progress import logger

_RESULTS = "results"
_WRITTEN = "results.json"


def compare_shared(
    study: Study,
    *,
    data: Path | None,
    out: Path,
    jobs: int | None,
    write: Callable[[Comparison], dict[str, Any]],
) -> dict[str, Any]:
    """Run the study in ``out`` together with others; returns study.json, which one of them writes.

    ``jobs`` is the number of parallel jobs on this machine. When all jobs have ended on all machines, one of
    them measures the latencies and calls ``write``, which writes the results and returns study.json. Raises
    the errors of ``compare``, and HanjiError if the others do other work.
    """
    run = StudyRun(study, data, out)
    with together(out, run.layout.shared_work()) as claims:
        reasons = run.run_jobs(jobs, SharedBoard(claims))
        return _written_once(claims, lambda: _results(run, reasons, out, write))


def _results(
    run: StudyRun, reasons: dict[str, str], out: Path, write: Callable[[Comparison], dict[str, Any]]
) -> dict[str, Any]:
    for folder in out.glob("runs/seed-*"):
        list(folder.iterdir())  # NFS clients then look up again what was missing before
    return write(run.comparison(reasons, timed_on=this_process().host))


def _written_once(claims: Claims, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The table that ``make`` returns, called by one of all processes; the others wait for it."""
    said = False
    while _WRITTEN not in claims.files():
        with claims.held(_RESULTS) as claim:
            if claim is not None and _WRITTEN not in claims.files():
                table = make()
                text = json.dumps(table, ensure_ascii=False, allow_nan=False)
                write_text_atomic(claims.folder / _WRITTEN, text + "\n")
                return table
        if not said:
            logger.info(f"all jobs have ended; latencies are measured by {claims.holder(_RESULTS)}")
            said = True
        time.sleep(POLL_S)
    return read_own_json(claims.folder / _WRITTEN)


__all__ = ["compare_shared"]
