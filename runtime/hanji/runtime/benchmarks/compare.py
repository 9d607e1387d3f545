"""Compares two `hanji benchmark` documents: checks comparability, lists differences, computes ratios."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hanji.runtime.benchmarks.protocol import VERSION
from hanji.runtime.errors import HanjiError
from hanji.runtime.json_table import expect_bounded, json_value

_MUST_MATCH = (
    *(f"protocol.{name}" for name in ("task", "input", "k", "cold_starts", "runs", "warm_up", "seed")),
    "bundle.items",
    "bundle.classes",
)
"""Fields that define the measured workload. Documents that differ in any of them are not comparable."""
_DESCRIPTIVE = ("asked", "bundle", "engine", "machine", "software")
_STATES = ("machine.before", "machine.after")
"""Expected to differ between runs; relevant values are reported as warnings."""
_BUSY = 0.5
"""Load average per usable core before a benchmark above which a warning is issued."""


@dataclass(frozen=True)
class Difference:
    """A field that differs between the documents: its path (``what``) and its two values."""

    what: str
    a: object
    b: object


@dataclass(frozen=True)
class Ratio:
    """B divided by A. ``lowest`` and ``highest`` bound the ratio over all pairs of processes.

    ``inside_spread`` is True if the ranges of the processes overlap, that is, if the difference is within
    run-to-run variation. All three are None if either document has a single process.
    """

    what: str
    unit: str
    a: float
    b: float
    ratio: float
    lowest: float | None
    highest: float | None
    inside_spread: bool | None


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison. ``warnings`` describe conditions that may have distorted a measurement."""

    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]
    ratios: tuple[Ratio, ...]


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the document in the file ``path``; HanjiError if it is invalid or of another protocol version."""
    try:
        document = json_value(Path(path).read_bytes())
        expect_bounded(document)
    except ValueError as error:
        raise HanjiError(f"{path}: expected a document from `hanji benchmark --json`: {error}") from None
    for part in ("protocol", *_DESCRIPTIVE, *_STATES, "cold_start", "warm", "overhead", "memory"):
        if not isinstance(_in(document, part, path), Mapping):
            raise HanjiError(f"{path}: expected an object at {part!r}; measure again")
    version = document["protocol"].get("version")
    if version != VERSION:
        raise HanjiError(
            f"{path}: expected protocol version {VERSION}, found {version!r:.40}; "
            "measure again with this hanji"
        )
    return dict(document)


def compare(path_a: str | os.PathLike[str], path_b: str | os.PathLike[str]) -> Comparison:
    """Compare the documents in two files; HanjiError listing all mismatches if they are not comparable."""
    a, b = read(path_a), read(path_b)
    required = [Difference(what, _in(a, what, path_a), _in(b, what, path_b)) for what in _MUST_MATCH]
    mismatches = [difference for difference in required if difference.a != difference.b]
    if mismatches:
        shown = "; ".join(f"{field.what} is {field.a!r:.60} and {field.b!r:.60}" for field in mismatches)
        raise HanjiError(
            f"{path_a} and {path_b} did not measure the same workload: {shown}; "
            "rerun one of them with the settings of the other"
        )
    differences = [
        difference
        for part in _DESCRIPTIVE
        for difference in _differences(part, _in(a, part, path_a), _in(b, part, path_b))
    ]
    differences += _differences("instructions", a.get("instructions"), b.get("instructions"))
    warnings = [*_warnings("A", a), *_warnings("B", b)]
    return Comparison(tuple(differences), tuple(warnings), tuple(_ratios(a, b, path_a, path_b)))


def _differences(where: str, a: object, b: object) -> Iterator[Difference]:
    if where in _STATES:
        return
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in dict.fromkeys([*a, *b]):
            yield from _differences(f"{where}.{name}", a.get(name), b.get(name))
    elif a != b:
        yield Difference(where, a, b)


def _warnings(name: str, document: Mapping[str, Any]) -> Iterator[str]:
    machine = document["machine"]
    before, after = machine["before"], machine["after"]
    load, cores = _number(before.get("load_average")), _number(machine.get("usable_cores"))
    if load is not None and cores is not None and load > _BUSY * cores:
        yield f"{name}: the machine was busy: load average {load:g} on {cores:g} cores before the benchmark"
    for when, state in (("before", before), ("after", after)):
        throttling = state.get("throttling")
        active = throttling.get("now") if isinstance(throttling, Mapping) else None
        if active:
            yield f"{name}: the CPU was throttled {when} the benchmark: {_listed(active)}"
    start, end = _number(before.get("frequency_mhz")), _number(after.get("frequency_mhz"))
    if start is not None and end is not None and end < 0.9 * start:
        yield f"{name}: the CPU frequency dropped from {start:.0f} to {end:.0f} MHz"
    fallbacks = document["engine"].get("fallbacks")
    if fallbacks:
        yield f"{name}: not everything ran where requested: {_listed(fallbacks)}"


def _listed(entries: object) -> str:
    return ", ".join(map(str, entries)) if isinstance(entries, list) else str(entries)


def _ratios(
    a: Mapping[str, Any], b: Mapping[str, Any], path_a: str | os.PathLike[str], path_b: str | os.PathLike[str]
) -> Iterator[Ratio]:
    measured = [
        *((f"cold_start.{name}", "ms") for name in a["cold_start"]),
        *((f"warm.{call}.{name}", "ms") for call in a["warm"] for name in ("p50_ms", "p90_ms", "p99_ms")),
        *((f"overhead.{name}", "µs" if name.endswith("_us") else "") for name in a["overhead"]),
        *((f"memory.{name}", "bytes") for name in a["memory"]),
    ]
    for what, unit in measured:
        first, second = _in(a, what, path_a), _in(b, what, path_b)
        if first is not None and second is not None:  # None where the system did not report a value
            quantities = _Measured(first, what, path_a), _Measured(second, what, path_b)
            if all(min(quantity.value, *quantity.values) > 0 for quantity in quantities):
                yield _ratio(what, unit, *quantities)


class _Measured:
    """One measured quantity of a document; HanjiError if its values are not numeric."""

    def __init__(self, found: object, what: str, path: str | os.PathLike[str]) -> None:
        fields = found if isinstance(found, Mapping) else {}
        value, values = fields.get("pooled", fields.get("median")), fields.get("values")
        numbers = (
            [_number(number) for number in (value, *values)]
            if isinstance(values, list) and values
            else [None]
        )
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            raise HanjiError(
                f"{path}: {what}: expected numeric measurements, found {found!r:.80}; measure again"
            )
        self.value, self.values = known[0], known[1:]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _ratio(what: str, unit: str, a: _Measured, b: _Measured) -> Ratio:
    lowest = highest = inside = None
    if min(len(a.values), len(b.values)) > 1:
        lowest, highest = min(b.values) / max(a.values), max(b.values) / min(a.values)
        inside = lowest <= 1 <= highest
    return Ratio(what, unit, a.value, b.value, b.value / a.value, lowest, highest, inside)


def _in(document: object, where: str, path: str | os.PathLike[str]) -> Any:
    """The value at a dotted path in a document, such as "protocol.k"."""
    found = document
    for name in where.split("."):
        if not isinstance(found, Mapping) or name not in found:
            raise HanjiError(
                f"{path}: expected a document from `hanji benchmark --json`, found no {where!r} in it"
            )
        found = found[name]
    return found
