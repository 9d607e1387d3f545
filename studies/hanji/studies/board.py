"""Which jobs of a study a process may start: all of them, or those that it claims before others do."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hanji.studies.claims import STALE_S, Claim, Claims, Holder, this_process
from hanji.training.errors import HanjiError
from hanji.training.files import write_text_atomic
from hanji.training.json_files import read_own_json

if TYPE_CHECKING:
    from hanji.studies.schedule import PlannedJob

POLL_S = 1.0
"""Seconds between two looks at the common directory."""

_ENDED = ".ended.json"


class Board(Protocol):
    """Decides who runs a job, and knows those that ended elsewhere."""

    def ended_elsewhere(self, job: PlannedJob) -> str | None:
        """Why a job failed on another machine, empty if it succeeded there; None if it has not ended there.

        HanjiError if this process lost one of its jobs to another one.
        """
        ...

    def take(self, job: PlannedJob) -> bool:
        """Whether this process is to run the job."""
        ...

    def end(self, job: PlannedJob, reason: str) -> None:
        """Record that the job ended here; ``reason`` is why it failed, empty if it did not."""
        ...

    def give_back(self, job: PlannedJob) -> None:
        """Let others run a job that was taken and interrupted."""
        ...

    def elsewhere(self) -> str:
        """The jobs that run on other machines, in words; empty if there are none."""
        ...


class OwnBoard:
    """The board of a process that runs all jobs itself."""

    def ended_elsewhere(self, job: PlannedJob) -> str | None:
        """See Board."""
        return None

    def take(self, job: PlannedJob) -> bool:
        """See Board."""
        return True

    def end(self, job: PlannedJob, reason: str) -> None:
        """See Board."""

    def give_back(self, job: PlannedJob) -> None:
        """See Board."""

    def elsewhere(self) -> str:
        """See Board."""
        return ""


class SharedBoard:
    """The board of several processes: claims, and a file for each job that ended.

    Jobs that failed are recorded like others, so that each is tried once by all machines together.
    """

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._held: dict[str, Claim] = {}
        self._names: dict[str, str] = {}
        self._files, self._others, self._looked = set[str](), dict[str, Holder](), float("-inf")

    def ended_elsewhere(self, job: PlannedJob) -> str | None:
        """See Board."""
        self._check_held()
        self._look()
        if job.key + _ENDED not in self._files:
            return None
        reason: str = read_own_json(self._ending(job))["reason"]
        return reason

    def take(self, job: PlannedJob) -> bool:
        """See Board."""
        self._names[job.key] = job.name
        claim = None if job.key in self._others else self._claims.claim(job.key)
        if claim is None:
            return False
        if job.key + _ENDED in self._claims.files():  # it ended just before it could be claimed
            claim.release()
            return False
        self._held[job.key] = claim
        return True

    def end(self, job: PlannedJob, reason: str) -> None:
        """See Board."""
        self._check_held()
        ending = {"name": job.name, "reason": reason, "host": this_process().host}
        write_text_atomic(self._ending(job), json.dumps(ending) + "\n")
        self.give_back(job)

    def give_back(self, job: PlannedJob) -> None:
        """See Board."""
        self._held.pop(job.key).release()

    def elsewhere(self) -> str:
        """See Board."""
        by_host = defaultdict[str, list[str]](list)
        for key, holder in self._others.items():
            if key in self._names:
                by_host[str(holder)].append(self._names[key])
        return "; ".join(f"on {host}: {', '.join(names)}" for host, names in by_host.items())

    def _look(self) -> None:
        if time.monotonic() - self._looked < POLL_S:
            return
        self._files, holders = self._claims.files(), self._claims.holders()
        self._others = {key: holder for key, holder in holders.items() if key not in self._held}
        self._looked = time.monotonic()

    def _ending(self, job: PlannedJob) -> Path:
        return self._claims.folder / (job.key + _ENDED)

    def _check_held(self) -> None:
        if any(claim.lost for claim in self._held.values()):
            raise HanjiError(
                f"this process did not run for more than {STALE_S:.0f} s (was the machine suspended?), and "
                "another one took its jobs over; run the same command again to join it"
            )


__all__ = ["POLL_S", "Board", "OwnBoard", "SharedBoard"]
