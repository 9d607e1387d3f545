"""The measurement protocol of `hanji benchmark`: fresh processes, cold and warm calls, one JSON document.

The document is defined by ``benchmark.schema.json`` and described in docs/benchmark-protocol.md.
"""

from __future__ import annotations

import datetime
import importlib.util
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from hanji.runtime import __version__
from hanji.runtime.benchmarks.measuring import check_runs, instructions, latency, run_json
from hanji.runtime.benchmarks.session import PROGRAM, Job, Measurement
from hanji.runtime.bundle import Bundle, open_bundle
from hanji.runtime.engines.choice import Choice, choose
from hanji.runtime.errors import HanjiError
from hanji.runtime.machine import machine, machine_state
from hanji.runtime.manifest import ClassifierManifest
from hanji.runtime.opening import OpenOptions, requested

VERSION = 1
"""Incremented when measurements of the same bundle on the same machine are no longer comparable."""
Document = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """All settings of a measurement. ``options`` are keyword arguments of ``open``, such as ``threads``.

    ``runs`` is the number of timed warm calls of each kind, distributed evenly over ``cold_starts`` fresh
    processes, each of which makes ``warm_up`` untimed calls first. ``k`` None means 10 items or 5 classes.
    Counting instructions with valgrind takes a minute or more.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    cold_starts: int = 5
    runs: int = 1000
    warm_up: int = 20
    k: int | None = None
    seed: int = 0
    count_instructions: bool = False

    def check(self) -> None:
        """Raise HanjiError for values out of range."""
        check_runs(self.runs)
        if self.cold_starts < 1:
            raise HanjiError(f"cold starts: expected 1 or more, found {self.cold_starts}")
        if self.runs < self.cold_starts:
            raise HanjiError(
                f"runs: expected at least one per process ({self.cold_starts} or more), found {self.runs}"
            )
        if self.warm_up < 0:
            raise HanjiError(f"warm-up: expected 0 or more, found {self.warm_up}")


def measure(
    path: str | os.PathLike[str], settings: Settings, *, progress: Callable[[str], None] | None = None
) -> Document:
    """Measure the bundle ``path`` and return one document; ``progress`` is called with each step's name.

    Raises the errors of opening the bundle, and HanjiError if a process ends without a result.
    """
    settings.check()
    bundle = open_bundle(path)
    choice = _choice(bundle, settings.options)
    k = settings.k if settings.k is not None else _default_k(bundle)
    when, before, start = datetime.datetime.now(datetime.timezone.utc), machine_state(), time.perf_counter()
    model = "Classifier" if isinstance(bundle.manifest, ClassifierManifest) else "Recommender"
    results: list[Measurement] = []
    for number in range(settings.cold_starts):
        if progress is not None:
            progress(f"fresh process {number + 1} of {settings.cold_starts}")
        runs = settings.runs // settings.cold_starts + (number < settings.runs % settings.cold_starts)
        results.append(run_json(PROGRAM.format(model=model), _job(bundle, choice, settings, k, runs)))
    seconds = time.perf_counter() - start
    warm = {name: _latency([result["warm"][name] for result in results]) for name in results[0]["warm"]}
    counted: Document = {}
    if settings.count_instructions:
        counted["instructions"] = instructions(model, _job(bundle, choice, settings, k, 0))
    return {
        "protocol": {
            "version": VERSION,
            "task": bundle.manifest.task,
            "input": results[0]["input"],
            "k": k,
            "cold_starts": settings.cold_starts,
            "runs": settings.runs,
            "warm_up": settings.warm_up,
            "seed": settings.seed,
        },
        "asked": _json_options(settings.options),
        "bundle": _bundle_fields(bundle, choice),
        "engine": results[0]["placement"],
        "cold_start": {
            name: _spread([result["cold"][name] for result in results]) for name in results[0]["cold"]
        },
        "warm": warm,
        "overhead": _overhead(warm),
        "memory": {
            name: _bytes([result["memory"][name] for result in results]) for name in results[0]["memory"]
        },
        "machine": {**asdict(machine()), "before": asdict(before), "after": asdict(machine_state())},
        "software": {
            "hanji": __version__,
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "numpy": np.__version__,
            "compiled": _is_compiled(),
        },
        "when": when.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        **counted,
    }


def _choice(bundle: Bundle, options: Mapping[str, Any]) -> Choice:
    return choose(bundle.manifest, options.get("engine", "auto"), requested(cast("OpenOptions", options)))


def _is_compiled() -> bool:
    """Whether a fresh process finds cached bytecode for this module; otherwise it compiles every module."""
    return Path(importlib.util.cache_from_source(__file__)).exists()


def _default_k(bundle: Bundle) -> int:
    manifest = bundle.manifest
    return 5 if isinstance(manifest, ClassifierManifest) else min(10, manifest.items.count)


def _job(bundle: Bundle, choice: Choice, settings: Settings, k: int, runs: int) -> Job:
    return {
        "bundle": str(bundle.root),
        "options": {**_json_options(settings.options), "engine": choice.kind.name},
        "engine_module": choice.kind.module,
        "runs": runs,
        "warm_up": settings.warm_up,
        "k": k,
        "seed": settings.seed,
        "spawned_ns": time.monotonic_ns(),
    }


def _bundle_fields(bundle: Bundle, choice: Choice) -> Document:
    manifest, artifact = bundle.manifest, choice.artifact
    return {
        "name": manifest.name,
        "manifest_sha256": bundle.manifest_sha256,
        "synthetic": manifest.training_data.synthetic,
        "model": manifest.model.type,
        "parameters": manifest.model.parameters,
        "format": artifact.format,
        "precision": artifact.precision,
        "artifact_bytes": artifact.bytes,
        "items": None if isinstance(manifest, ClassifierManifest) else manifest.items.count,
        "classes": manifest.labels.count if isinstance(manifest, ClassifierManifest) else None,
    }


def _json_options(options: Mapping[str, Any]) -> Document:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value is not None
    }


def _spread(values: Sequence[float]) -> Document:
    return {"median": round(statistics.median(values), 6), **_range(values)}


def _range(values: Sequence[float]) -> Document:
    rounded = [round(value, 6) for value in values]
    return {"min": min(rounded), "max": max(rounded), "values": rounded}


def _latency(processes: Sequence[Sequence[int]]) -> Document:
    """Percentiles in milliseconds: ``pooled`` over the calls of all processes, and per process."""
    pooled = asdict(latency([time for times in processes for time in times]))
    each = [asdict(latency(times)) for times in processes]
    return {
        name: {"pooled": round(value, 6), **_range([percentiles[name] for percentiles in each])}
        for name, value in pooled.items()
    }


def _overhead(warm: Mapping[str, Document]) -> Document:
    """Overhead outside the engine from the per-process medians: as a ratio, and in microseconds."""
    whole, alone = (warm[name]["p50_ms"]["values"] for name in list(warm)[:2])
    pairs = list(zip(whole, alone, strict=True))
    return {
        "p50_ratio": _spread([call / engine for call, engine in pairs]),
        "outside_engine_us": _spread([(call - engine) * 1e3 for call, engine in pairs]),
    }


def _bytes(values: Sequence[int | None]) -> Document | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return {"median": statistics.median_low(known), "min": min(known), "max": max(known), "values": known}
