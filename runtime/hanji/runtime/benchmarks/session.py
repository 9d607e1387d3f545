"""One fresh process of `hanji benchmark`: import, open, one cold call, then many warm calls.

This module must not import anything that opening a bundle imports: that time would be missing from
``open_ms``.
"""

from __future__ import annotations

import importlib
import itertools
import json
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from hanji.runtime.errors import HanjiError
from hanji.runtime.recommender import Recommender

if TYPE_CHECKING:
    from hanji.runtime.benchmarks.measuring import Call
    from hanji.runtime.classifier import Classifier

PROGRAM = """\
import time
started = time.monotonic_ns()
from hanji.runtime import {model}
imported = time.monotonic_ns()
from hanji.runtime.benchmarks.session import main
main({model}, started, imported)
"""
"""For ``python -c``; ``model`` is Recommender or Classifier. Times only the import that applications make."""
STATUS = Path("/proc/self/status")
_FIELDS = {b"VmRSS": "resident", b"RssAnon": "anonymous", b"VmHWM": "peak"}


class Job(TypedDict):
    """Input of the process. ``options`` are those of ``open``; ``spawned_ns`` is when it was started."""

    bundle: str
    options: dict[str, Any]
    engine_module: str
    runs: int
    warm_up: int
    k: int
    seed: int
    spawned_ns: int


class Measurement(TypedDict):
    """Output of the process: ``cold`` in milliseconds, ``warm`` in nanoseconds, ``memory`` in bytes."""

    cold: dict[str, float]
    warm: dict[str, list[int]]
    memory: dict[str, int | None]
    placement: dict[str, object]
    input: str


def main(model: type[Recommender] | type[Classifier], started_ns: int, imported_ns: int) -> None:
    """Print the measurement as the last line of stdout; on failure exit with 1 and one line on stderr."""
    job: Job = json.loads(sys.argv[1])
    try:
        result = measure(model, job, started_ns, imported_ns)
    except HanjiError as error:
        sys.exit(" ".join(str(error).split()))
    sys.stdout.write("\n" + json.dumps(result) + "\n")


def measure(
    model: type[Recommender] | type[Classifier], job: Job, started_ns: int, imported_ns: int
) -> Measurement:
    """Run and time the stages in order; the setup between stages is not timed."""
    after_import = resident_bytes()["resident"]
    engine_start = time.monotonic_ns()
    importlib.import_module(job["engine_module"])
    open_start = time.monotonic_ns()
    opened = model.open(job["bundle"], **job["options"])
    opened_at = time.monotonic_ns()
    after_open = resident_bytes()["resident"]
    with opened:
        names, first, rounds, description = calls(opened, job)
        first_start = time.monotonic_ns()
        first()
        first_end = time.monotonic_ns()
        warm = _warm(names, rounds, job["warm_up"])
        memory = resident_bytes()
        cold = {
            "interpreter_ms": started_ns - job["spawned_ns"],
            "import_ms": imported_ns - started_ns,
            "engine_import_ms": open_start - engine_start,
            "open_ms": opened_at - open_start,
            "first_answer_ms": first_end - first_start,
        }
        cold["total_ms"] = sum(cold.values())
        cold["verify_ms"] = _verify_ns(job["bundle"], opened)
        return {
            "cold": {name: nanoseconds / 1e6 for name, nanoseconds in cold.items()},
            "warm": warm,
            "memory": {
                "after_import_bytes": after_import,
                "after_open_bytes": after_open,
                "steady_bytes": memory["resident"],
                "steady_anonymous_bytes": memory["anonymous"],
                "peak_bytes": memory["peak"],
            },
            "placement": opened.placement.as_json(),
            "input": description,
        }


def calls(
    opened: Recommender | Classifier, job: Job
) -> tuple[tuple[str, ...], Call, Iterator[tuple[Call, ...]], str]:
    """The names of the calls, the first call, rounds of warm calls, and a description of their inputs."""
    count, k, seed = job["warm_up"] + job["runs"], job["k"], job["seed"]
    if isinstance(opened, Recommender):
        from hanji.runtime.benchmarks import recommender as benchmark

        queries, description = benchmark.queries(opened, count, seed)
        first = partial(opened.recommend, **queries[0], k=k)
        return ("recommend", "engine_alone"), first, benchmark.rounds(opened, queries, k), description
    from hanji.runtime.benchmarks import classifier as classifier_benchmark

    shape = opened.image_input.shape
    images = classifier_benchmark.noise(min(count, classifier_benchmark.IMAGES), shape, seed)
    rounds = classifier_benchmark.rounds(opened, images, count, k, seed)
    names = ("classify", "engine_alone", "prepare")
    return names, partial(opened.answer, images[0], k), rounds, classifier_benchmark.describe_input(shape)


def _warm(names: tuple[str, ...], rounds: Iterator[tuple[Call, ...]], warm_up: int) -> dict[str, list[int]]:
    from hanji.runtime.benchmarks.measuring import interleaved_nanoseconds

    for calls in itertools.islice(rounds, warm_up):
        for call in calls:
            call()
    return dict(zip(names, map(list, interleaved_nanoseconds(rounds)), strict=True))


def _verify_ns(path: str, opened: Recommender | Classifier) -> int:
    """Time to read and hash the files again that were read and hashed when the bundle was opened."""
    from hanji.runtime.bundle import open_bundle
    from hanji.runtime.manifest import ClassifierManifest

    manifest = opened.manifest
    if isinstance(manifest, ClassifierManifest):
        tables = [manifest.labels.path]
    else:
        tables = [table.path for table in (manifest.users, manifest.items) if table is not None]
    start = time.monotonic_ns()
    bundle = open_bundle(path)
    for table in tables:
        bundle.read(bundle.file(table))
    for file in opened.artifact.files:
        bundle.content(file)
    return time.monotonic_ns() - start


def resident_bytes(status: Path = STATUS) -> dict[str, int | None]:
    """Current ``resident`` bytes, the ``anonymous`` part of them (not backed by a file), and the ``peak``
    since the process started; None for values that the system does not report.
    """
    found: dict[str, int | None] = dict.fromkeys(_FIELDS.values())
    try:
        lines = status.read_bytes().splitlines()
    except OSError:
        return found
    for line in lines:
        name, _, value = line.partition(b":")
        amount = value.removesuffix(b"kB").strip()
        if name in _FIELDS and amount.isdigit():
            found[_FIELDS[name]] = int(amount) * 1024 or None
    return found
