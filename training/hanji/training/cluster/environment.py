"""The workers that train one model, as the environment variable TF_CONFIG describes them.

Kubernetes operators, Ray Train and others set this variable; it is the interface of ``tf.distribute``:

    {"cluster": {"worker": ["host-0:2222", "host-1:2222"]}, "task": {"type": "worker", "index": 1}}
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hanji.runtime.json_table import json_value
from hanji.training.errors import RecipeError

VARIABLE = "TF_CONFIG"
_JOBS = ("chief", "worker")  # in TensorFlow's order; the first task of the first job is the chief
_EXAMPLE = '{"cluster": {"worker": ["host-0:2222", "host-1:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclass(frozen=True)
class Cluster:
    """The addresses ("host:port") of all workers, the chief's first, and the index of this process."""

    addresses: tuple[str, ...]
    index: int

    @property
    def count(self) -> int:
        """The number of workers."""
        return len(self.addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this worker reports and writes."""
        return self.index == 0

    @property
    def rank_on_host(self) -> int:
        """The number of earlier workers on this worker's host."""
        hosts = [host_and_port(address)[0] for address in self.addresses]
        return hosts[: self.index].count(hosts[self.index])


def cluster_of_environment() -> Cluster | None:
    """The cluster in TF_CONFIG; None without the variable, without a cluster in it, or for one worker.

    RecipeError for a value that is not a cluster of workers with this process in it.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        table = json_value(text.encode(errors="replace"))
    except ValueError as error:
        raise _invalid(f"not valid JSON: {error}") from None
    if not isinstance(table, dict):
        raise _invalid(f"expected an object, found {table!r}")
    cluster = _cluster(table) if table.get("cluster") else None
    return cluster if cluster and cluster.count > 1 else None


def tf_config(addresses: Sequence[str], index: int) -> str:
    """The value of TF_CONFIG for one of the workers at these addresses."""
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": index}})


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of "host:port"; RecipeError if it has another form."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise _invalid(f"expected addresses of the form host:port, found {address!r}")
    return host.strip("[]"), int(port)


def _cluster(table: dict[str, Any]) -> Cluster:
    jobs, task = table["cluster"], table.get("task")
    if not isinstance(jobs, dict) or any(job not in _JOBS for job in jobs):
        found = ", ".join(jobs) if isinstance(jobs, dict) else repr(jobs)
        raise _invalid(f'expected a cluster of the jobs "chief" and "worker" only, found {found}')
    if not isinstance(task, dict) or task.get("type") not in jobs:
        raise _invalid(f"expected a task whose type is one of {', '.join(jobs)}, found {task!r}")
    by_job = {job: _addresses(jobs.get(job, [])) for job in _JOBS}
    index, own = str(task.get("index")), by_job[task["type"]]
    if not index.isdecimal() or int(index) >= len(own):
        raise _invalid(f"expected a task index from 0 to {len(own) - 1}, found {task.get('index')!r}")
    addresses = (*by_job["chief"], *by_job["worker"])
    if len(set(addresses)) < len(addresses):
        raise _invalid(f"expected a different address for each task, found {', '.join(addresses)}")
    before = len(by_job["chief"]) if task["type"] == "worker" else 0
    return Cluster(addresses, before + int(index))


def _addresses(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _invalid(f"expected a list of addresses for each job, found {values!r}")
    for value in values:
        host_and_port(value)
    return values


def _invalid(problem: str) -> RecipeError:
    return RecipeError(
        f"the environment variable {VARIABLE}: {problem}; set it to something like {_EXAMPLE}, or unset it "
        "to train in one process"
    )


__all__ = ["VARIABLE", "Cluster", "cluster_of_environment", "host_and_port", "tf_config"]
