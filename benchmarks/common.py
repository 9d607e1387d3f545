"""Shared by the benchmark scripts: the environment of a measurement, statistics, and saving of results."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("hanji", "tensorflow", "tf_keras", "ai-edge-litert", "onnxruntime", "numpy")


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the script's docstring, unformatted, as its help."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def expect_bundles(bundles: Iterable[Path]) -> None:
    """Exit if a bundle of `make demo` is missing."""
    missing = [str(bundle) for bundle in bundles if not (bundle / "manifest.json").exists()]
    if missing:
        sys.exit(f"{', '.join(missing)}: missing; run: make demo")


def interleaved_us(
    calls: Mapping[str, Callable[[], object]], *, turns: int, warm_up: int = 0
) -> dict[str, float]:
    """Median microseconds of each call, alternating so that other load on the machine affects all equally."""
    times: dict[str, list[int]] = {name: [] for name in calls}
    for turn in range(warm_up + turns):
        for name, call in calls.items():
            start = time.perf_counter_ns()
            call()
            if turn >= warm_up:
                times[name].append(time.perf_counter_ns() - start)
    return {name: statistics.median(values) / 1e3 for name, values in times.items()}


def environment() -> dict[str, object]:
    """The date, machine and versions of a measurement."""
    now = datetime.datetime.now(datetime.UTC)
    return {
        "when": now.isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
    }


def cpu_model() -> str:
    """The CPU's model name, if the system provides it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def spread(values: list[float]) -> dict[str, float]:
    """Mean, sample standard deviation, median, minimum and maximum."""
    return {
        "mean": statistics.fmean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else 0.0,
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "n": len(values),
    }


def save(name: str, result: dict[str, object]) -> None:
    """Write benchmarks/results/NAME.json, including the environment."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(environment() | result, indent=1, sort_keys=True, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def target_line(name: str, value: float, target: float, *, at_most: bool) -> str:
    """One line that reports whether a target was reached."""
    reached = value <= target if at_most else value >= target
    sign = "≤" if at_most else "≥"
    return f"{'reached' if reached else 'MISSED '}  {name}: {value:.4g} (target {sign} {target:g})"
